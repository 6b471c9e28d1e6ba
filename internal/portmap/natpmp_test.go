package portmap

import (
	"encoding/binary"
	"net"
	"net/netip"
	"testing"
	"time"
)

func TestNATPMP(t *testing.T) {
	router := netip.MustParseAddr("127.0.0.53")
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(router, pcpPort)))
	if err != nil {
		t.Skip("its port is taken: ", err)
	}
	defer conn.Close()
	lives := make(chan uint32, 8)
	go func() {
		b := make([]byte, 64)
		for {
			n, from, err := conn.ReadFromUDP(b)
			if err != nil {
				return
			}
			answer := []byte{0, b[1] | 0x80, 0, 0, 0, 0, 0, 1}
			if n == 2 {
				answer = append(answer, 203, 0, 113, 9)
			} else {
				lives <- binary.BigEndian.Uint32(b[8:])
				answer = append(append(answer, b[4:6]...), 4711>>8, 4711&0xff)
				answer = append(answer, b[8:12]...)
			}
			conn.WriteToUDP(answer, from)
		}
	}()
	p := natPMP{home{router, netip.MustParseAddrPort("127.0.0.1:7000")}}
	got, err := p.open(t.Context())
	if want := netip.MustParseAddrPort("203.0.113.9:4711"); err != nil || got.external != want || got.life != askedLife {
		t.Errorf("got %v, %v", got, err)
	}
	if err := p.close(t.Context()); err != nil {
		t.Error(err)
	}
	for _, want := range []uint32{uint32(askedLife / time.Second), 0} {
		if life := <-lives; life != want {
			t.Errorf("asked for %d s, want %d", life, want)
		}
	}
}
