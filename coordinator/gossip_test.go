package coordinator

import (
	"crypto/tls"
	"net"
	"testing"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/membership"
	"github.com/anthill-grid/anthill/jobs"
)

// TestOnlyMembersGossip: not volunteers, not submitters, and not one that has a
// coordinator's certificate and is none in the state.
func TestOnlyMembersGossip(t *testing.T) {
	t.Parallel()
	c := foundAndRun(t)
	for name, id := range map[string]*identity.Identity{
		"a worker":                      issue(t, c.base.Authority, jobs.Worker),
		"a submitter":                   issue(t, c.base.Authority, jobs.Submitter),
		"a coordinator that was let go": issue(t, c.base.Authority, jobs.Coordinator),
		"one with an operator's rights": issue(t, c.base.Authority, jobs.Operator),
	} {
		conn, err := tls.Dial("tcp", c.Address(), id.ClientTLS(nil, identity.ProtoGossip))
		if err != nil {
			continue // it was not even let in
		}
		conn.Write([]byte{'p', 0, 1, 7})
		conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		_, err = conn.Read(make([]byte, 1))
		if late, ok := err.(net.Error); err == nil || ok && late.Timeout() {
			t.Errorf("%s is listened to: %v", name, err)
		}
		conn.Close()
	}
	if got := c.membership.Members(); len(got) != 1 || got[0].Status != membership.Alive {
		t.Errorf("members %v", got)
	}
}

// TestWhatMembersSayDoesNotEndTheProcess: packets and streams of any bytes.
func TestWhatMembersSayDoesNotEndTheProcess(t *testing.T) {
	t.Parallel()
	c := foundAndRun(t)
	here, there := net.Pipe()
	t.Cleanup(func() { here.Close() })
	c.gossip.Take(there)
	here.Write([]byte{'p'})
	for kind := range 256 {
		packet := append([]byte{byte(kind)}, make([]byte, 40)...)
		for i := range packet[1:] {
			packet[1+i] = 0xff
		}
		here.Write(append([]byte{0, byte(len(packet))}, packet...))
	}
	for kind := range 256 {
		stream, other := net.Pipe()
		c.gossip.Take(other)
		stream.SetDeadline(time.Now().Add(time.Second))
		stream.Write([]byte{'s', byte(kind), 0xff, 0xff, 0xff, 0xff})
		stream.Close()
	}
	if _, err := c.gossip.WriteToAddress([]byte("x"), memberlist.Address{Addr: "127.0.0.1:1"}); err != nil {
		t.Error(err)
	}
}
