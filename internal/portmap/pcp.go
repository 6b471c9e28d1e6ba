package portmap

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"
)

// The Port Control Protocol, RFC 6887: as much of it as asks for a TCP port.
const (
	pcpPort    = 5351
	pcpVersion = 2
	pcpMap     = 1
	pcpAnswer  = 0x80
	pcpTCP     = 6
	// pcpSize is that of a request to map and of its answer: a header, and what is mapped.
	pcpHead = 24
	pcpSize = pcpHead + 36
	// mostPCP bounds an answer.
	mostPCP = 1100
)

// pcpWaits is how long an answer is waited for, each time it is asked.
var pcpWaits = []time.Duration{250 * time.Millisecond, 500 * time.Millisecond, time.Second}

// pcpResults are what routers answer if they do not do it.
var pcpResults = map[byte]string{
	1: "it is of another version", 2: "it is not allowed", 3: "the request is malformed", 4: "it does not map ports",
	7: "its network fails", 8: "it has no more ports", 9: "it does not do TCP", 10: "this machine has too many ports",
	11: "it cannot give that port", 12: "there is another router in between",
}

// pcp is one port; its nonce is what shows the router that it is asked by the same.
type pcp struct {
	home
	nonce    [12]byte
	external netip.AddrPort // that it gave before
}

func newPCP(h home) *pcp {
	p := &pcp{home: h, external: netip.AddrPortFrom(netip.IPv4Unspecified(), h.local.Port())}
	rand.Read(p.nonce[:]) // never fails
	return p
}

func (p *pcp) open(ctx context.Context) (lease, error) {
	l, err := p.ask(ctx, askedLife)
	if err == nil {
		p.external = l.external
	}
	return l, err
}

func (p *pcp) close(ctx context.Context) error {
	_, err := p.ask(ctx, 0)
	return err
}

// ask sends until an answer comes.
func (p *pcp) ask(ctx context.Context, life time.Duration) (lease, error) {
	// Nothing but what comes from the router reaches a connected socket.
	conn, err := (&net.Dialer{}).DialContext(ctx, "udp4", netip.AddrPortFrom(p.router, pcpPort).String())
	if err != nil {
		return lease{}, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	request, buffer := p.request(life), make([]byte, mostPCP)
	for _, wait := range pcpWaits {
		if err := conn.SetDeadline(time.Now().Add(wait)); err != nil {
			return lease{}, err
		}
		if _, err := conn.Write(request); err != nil {
			return lease{}, err
		}
		for ctx.Err() == nil {
			n, err := conn.Read(buffer)
			if netError := net.Error(nil); errors.As(err, &netError) && netError.Timeout() {
				break
			}
			if err != nil {
				return lease{}, err
			}
			if l, err := p.answer(buffer[:n]); !errors.Is(err, errNotOurs) {
				return l, err
			}
		}
	}
	if ctx.Err() != nil {
		return lease{}, ctx.Err()
	}
	return lease{}, errors.New("no answer")
}

func (p *pcp) request(life time.Duration) []byte {
	local, external := p.local.Addr().As16(), p.external.Addr().As16()
	b := binary.BigEndian.AppendUint32([]byte{pcpVersion, pcpMap, 0, 0}, uint32(life/time.Second))
	b = slices.Concat(b, local[:], p.nonce[:], []byte{pcpTCP, 0, 0, 0})
	b = binary.BigEndian.AppendUint16(b, p.local.Port())
	b = binary.BigEndian.AppendUint16(b, p.external.Port())
	return append(b, external[:]...)
}

// errNotOurs: it answers somebody else, or an earlier question.
var errNotOurs = errors.New("no answer to this")

// answer reads what came from the router.
func (p *pcp) answer(b []byte) (lease, error) {
	if len(b) < 4 || b[1]&pcpAnswer == 0 {
		return lease{}, errNotOurs
	}
	if b[0] != pcpVersion {
		return lease{}, fmt.Errorf("the router speaks version %d", b[0])
	}
	if b[1] != pcpAnswer|pcpMap || len(b) < pcpSize || [12]byte(b[pcpHead:]) != p.nonce {
		return lease{}, errNotOurs
	}
	if code := b[3]; code != 0 {
		if why, ok := pcpResults[code]; ok {
			return lease{}, fmt.Errorf("the router says: %s", why)
		}
		return lease{}, fmt.Errorf("the router answers with error %d", code)
	}
	given := b[pcpHead+12:]
	if given[0] != pcpTCP || binary.BigEndian.Uint16(given[4:]) != p.local.Port() {
		return lease{}, errNotOurs
	}
	return lease{
		external: netip.AddrPortFrom(netip.AddrFrom16([16]byte(given[8:])).Unmap(), binary.BigEndian.Uint16(given[6:])),
		life:     time.Duration(binary.BigEndian.Uint32(b[4:])) * time.Second,
	}, nil
}
