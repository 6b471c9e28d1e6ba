package replica

import (
	"crypto/tls"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/jobs"
)

// spoken dials a voter for raft, and says whether the connection stands.
func spoken(t *testing.T, as *identity.Identity, node jobs.NodeID, address string) error {
	t.Helper()
	l := NewListener(Address(as.Node(), "127.0.0.1:1"), func(want jobs.NodeID) *tls.Config {
		return as.ClientTLS(identity.WantNode(want), identity.ProtoRaft)
	})
	c, err := l.Dial(Address(node, address), 5*time.Second)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetReadDeadline(time.Now().Add(500 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	_, err = c.Read(make([]byte, 1))
	if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
		return nil // it stands, and nobody says anything
	}
	return err
}

func TestOnlyCoordinatorsReachRaft(t *testing.T) {
	ca, err := identity.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	otherCA, err := identity.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	v := newVoter(t, ca)
	node := v.id.Node()
	if err := spoken(t, newIdentity(t, ca, jobs.Coordinator), node, v.address); err != nil {
		t.Errorf("a coordinator: %v", err)
	}
	for _, role := range []jobs.Role{jobs.Worker, jobs.Submitter, jobs.Operator} {
		if err := spoken(t, newIdentity(t, ca, role), node, v.address); err == nil {
			t.Errorf("a %v speaks raft", role)
		}
	}
	if err := spoken(t, newIdentity(t, otherCA, jobs.Coordinator), node, v.address); err == nil {
		t.Error("a coordinator of another grid speaks raft")
	}
	// A voter is dialled by its node id: another at its address is not it.
	if err := spoken(t, newIdentity(t, ca, jobs.Coordinator), "0123456789abcdef0123456789abcdef", v.address); err == nil {
		t.Error("another node passed for a voter")
	}
}

func TestListener(t *testing.T) {
	l := NewListener(Address("n", "h:1"), nil)
	if l.Addr().String() != "n@h:1" || l.Addr().Network() != "anthill-raft" {
		t.Errorf("address %v", l.Addr())
	}
	if _, err := l.Dial("h:1", time.Second); err == nil {
		t.Error("dialled an address without node id")
	}
	for range 2 {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("accept after close: %v", err)
	}
	ours, theirs := net.Pipe()
	l.Hand(ours)
	if _, err := theirs.Read(make([]byte, 1)); err == nil {
		t.Error("a connection handed to a closed listener stays open")
	}
}
