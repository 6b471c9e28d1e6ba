package reach

import (
	"context"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Survey asks each coordinator, HOST:PORT, from where packets come that are sent from one
// UDP port of this machine. Those that do not answer are left out.
func Survey(ctx context.Context, coordinators []string) (map[string]netip.AddrPort, error) {
	conn, err := net.ListenUDP("udp", nil)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	asked := map[nonce]string{}
	var asking sync.WaitGroup
	defer asking.Wait()
	for _, c := range coordinators {
		to, err := net.ResolveUDPAddr("udp", c)
		if err != nil {
			continue // it is told of by those who dial it
		}
		id := newNonce()
		asked[id] = c
		asking.Go(func() { askUntil(ctx, conn, questionOf(id), to) })
	}
	seen := map[string]netip.AddrPort{}
	if err := conn.SetReadDeadline(time.Now().Add(askPatience)); err != nil {
		return nil, err
	}
	buffer := make([]byte, 2*askSize)
	for len(seen) < len(asked) {
		n, err := conn.Read(buffer)
		if err != nil {
			break // there was time enough
		}
		if n < 1+nonceSize || buffer[0] != asideTell {
			continue
		}
		id, _ := nonceOf(buffer[1 : 1+nonceSize])
		at, err := netip.ParseAddrPort(string(buffer[1+nonceSize : n]))
		if c, ok := asked[id]; ok && err == nil {
			seen[c] = netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
		}
	}
	cancel()
	return seen, nil
}

// askUntil asks again and again: packets get lost.
func askUntil(ctx context.Context, conn *net.UDPConn, question []byte, to *net.UDPAddr) {
	for ctx.Err() == nil {
		if _, err := conn.WriteTo(question, to); err != nil {
			return
		}
		select {
		case <-time.After(askAgain):
		case <-ctx.Done():
		}
	}
}

// MappingOf is what a router makes of packets that were seen like this.
func MappingOf(seen map[string]netip.AddrPort) Mapping {
	kind, _ := mappingOf(slices.Collect(maps.Values(seen)))
	return kind
}
