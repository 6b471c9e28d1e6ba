package coordinator

import (
	"crypto/tls"
	"net"
	"strings"
	"testing"

	"github.com/anthill-grid/anthill/coordinator/replica"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/lab/voter"
	"github.com/anthill-grid/anthill/internal/membership"
	"github.com/anthill-grid/anthill/internal/node"
	"github.com/anthill-grid/anthill/jobs"
)

func issue(t *testing.T, a *identity.Authority, role jobs.Role) *identity.Identity {
	t.Helper()
	key, err := identity.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	der, err := a.Issue(key.Public(), role, nil)
	if err != nil {
		t.Fatal(err)
	}
	id, err := identity.New(key, der, a.Certificate())
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// answer shakes hands as this node, for raft, at the address it returns.
func answerAs(t *testing.T, id *identity.Identity) string {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", id.ServerTLS(identity.ProtoRaft))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func(c net.Conn) {
				c.(*tls.Conn).Handshake()
				c.Read(make([]byte, 1))
				c.Close()
			}(c)
		}
	}()
	return l.Addr().String()
}

func TestEnlistOnlyWhoProvesToBeTheNode(t *testing.T) {
	t.Parallel()
	authority, err := identity.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	other, err := identity.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	l := voter.New(t)
	self, right, wrong := issue(t, authority, jobs.Coordinator), issue(t, authority, jobs.Coordinator), issue(t, authority, jobs.Coordinator)
	c := &Coordinator{replica: l.Replica, base: &node.Base{Directory: &identity.Directory{Identity: self}}}
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody.Close()
	for name, c2 := range map[string]struct{ address, want string }{
		"another coordinator":      {answerAs(t, wrong), "answers in the place of"},
		"a node of another grid":   {answerAs(t, issue(t, other, jobs.Coordinator)), "certificate"},
		"nobody":                   {nobody.Addr().String(), "does not answer"},
		"a worker at this address": {answerAs(t, issue(t, authority, jobs.Worker)), "answers in the place of"},
	} {
		err := c.enlist(t.Context(), recruited{Member: membership.Member{Node: right.Node(), Address: c2.address}, votes: true})
		if err == nil || !strings.Contains(err.Error(), c2.want) {
			t.Errorf("%s: got %v, want an error with %q", name, err, c2.want)
		}
	}
	if n := len(l.Voters()); n != 1 {
		t.Fatalf("%d voters after imposters only", n)
	}

	address := answerAs(t, right)
	_, transport := voter.Open(t, right.Node(), address)
	l.Transport.Connect(replica.Address(right.Node(), address), transport)
	transport.Connect(replica.Address("c1", "127.0.0.1:1"), l.Transport)
	if err := c.enlist(t.Context(), recruited{Member: membership.Member{Node: right.Node(), Address: address}, votes: true}); err != nil {
		t.Fatal(err)
	}
	if voters := l.Voters(); len(voters) != 2 || voters[1] != (replica.Voter{Node: right.Node(), Address: address}) {
		t.Errorf("voters %v", voters)
	}
}
