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
		"a worker":                      issue(t, c.base.Authorities.All()[0], jobs.Worker),
		"a submitter":                   issue(t, c.base.Authorities.All()[0], jobs.Submitter),
		"a coordinator that was let go": issue(t, c.base.Authorities.All()[0], jobs.Coordinator),
		"one with an operator's rights": issue(t, c.base.Authorities.All()[0], jobs.Operator),
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
	c.gossip.Take(there, "m")
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
		c.gossip.Take(other, jobs.NodeID(rune(kind)))
		stream.SetDeadline(time.Now().Add(time.Second))
		stream.Write([]byte{'s', byte(kind), 0xff, 0xff, 0xff, 0xff})
		stream.Close()
	}
	if _, err := c.gossip.WriteToAddress([]byte("x"), memberlist.Address{Addr: "127.0.0.1:1"}); err != nil {
		t.Error(err)
	}
}

// TestWhoIsAMember: coordinators, and workers whose token says so.
func TestWhoIsAMember(t *testing.T) {
	t.Parallel()
	c := foundAndRun(t)
	admit := func(node jobs.NodeID, role jobs.Role, member bool) {
		token := jobs.TokenID("token of " + node)
		for _, command := range []jobs.Command{
			{CreateToken: &jobs.CreateToken{Token: token, Role: role, Uses: 1, Expires: 1 << 50, Member: member}},
			{Admit: &jobs.AdmitNode{Token: token, Node: node, Role: role}},
		} {
			if out, err := c.desk.Propose(t.Context(), command); err != nil || out.Rejection != nil {
				t.Fatal(err, out.Rejection)
			}
		}
	}
	admit("mine", jobs.Worker, true)
	admit("a volunteer's", jobs.Worker, false)
	admit("another coordinator", jobs.Coordinator, false)
	admit("a submitter's", jobs.Submitter, false)
	for node, want := range map[jobs.NodeID]bool{"mine": true, "a volunteer's": false, "another coordinator": true, "a submitter's": false, "nobody's": false} {
		if got := c.gossipsWith(node, jobs.Coordinator); got != want {
			t.Errorf("%s: %v", node, got)
		}
	}
	if _, err := c.dialGossip(t.Context(), c.Address(), "a volunteer's"); err == nil {
		t.Error("it dials who is no member")
	}
}

// TestAddressesAreTheStates: what gossip says of where a coordinator is counts for
// nothing, and the coordinator itself says it again when the grid is wrong.
func TestAddressesAreTheStates(t *testing.T) {
	t.Parallel()
	c := foundAndRun(t)
	self := c.base.Identity.Node()
	known := func() (n jobs.Node) {
		c.replica.View(func(s *jobs.State) { n = *s.Nodes[self] })
		return n
	}
	until := func(what string, true func() bool) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); !true(); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s: %+v", what, known())
			}
		}
	}
	until("it has not said where it is", func() bool { return known().Address == c.Address() })
	moves := known().Moves
	out, err := c.desk.Propose(t.Context(), jobs.Command{Move: &jobs.MoveNode{Node: self, Address: "127.0.0.1:1", Moves: moves + 1}})
	if err != nil || out.Rejection != nil {
		t.Fatal(err, out.Rejection)
	}
	if got := c.members(); len(got) != 1 || got[0].Address != "127.0.0.1:1" && known().Moves == moves+1 {
		t.Errorf("by the state it is elsewhere, and it is taken to be at %v", got)
	}
	until("it leaves the grid in its error", func() bool { return known().Address == c.Address() && known().Moves == moves+2 })
}
