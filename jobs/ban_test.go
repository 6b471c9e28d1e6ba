package jobs

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTwoOwnersThatWereSentWrongBytesGetOneBanned(t *testing.T) {
	for _, c := range []struct {
		name  string
		lines []string // REPORTER ACCUSED, or a time to wait
		want  string   // owners that are banned then
	}{
		{"one report may be a lie", []string{"ada mallory"}, ""},
		{"said twice it is still one", []string{"ada mallory", "ada mallory", "ada2 mallory"}, ""},
		{"two owners", []string{"ada mallory", "bob mallory"}, "mallory"},
		{"any of his nodes", []string{"ada mallory", "bob mallory2"}, "mallory"},
		{"nobody is banned by himself", []string{"mallory2 mallory", "ada mallory"}, ""},
		{"a coordinator has met him", []string{"c1 mallory"}, "mallory"},
		{"the grid's own nodes are not banned", []string{"ada c1", "bob c1"}, ""},
		{"neither are coordinators of others", []string{"ada c2", "bob c2"}, ""},
		{"a submitter's word counts", []string{"sue mallory", "ada mallory"}, "mallory"},
		{"reports fade", []string{"ada mallory", "31 days", "bob mallory"}, ""},
		{"and can be renewed", []string{"ada mallory", "31 days", "bob mallory", "ada mallory"}, "mallory"},
		{"the word of one who is banned does not count", []string{"mallory ada", "c1 mallory", "bob ada"}, "mallory"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := accusers()
			for _, line := range c.lines {
				by, accused, _ := strings.Cut(line, " ")
				if accused == "days" {
					s.Apply(Command{At: s.Now.Add(31 * 24 * time.Hour), Expire: &ExpireLeases{}})
					continue
				}
				if out := s.Apply(Command{At: s.Now, Accuse: &AccusePeers{By: NodeID(by), Nodes: []NodeID{NodeID(accused)}}}); out.Rejection != nil {
					t.Fatal(out.Rejection)
				}
			}
			var banned []string
			for _, id := range sortedKeys(s.Owners) {
				if s.Owners[id].Banned != "" {
					banned = append(banned, string(id))
				}
			}
			if got := strings.Join(banned, " "); got != c.want {
				t.Errorf("banned: %q, want %q", got, c.want)
			}
		})
	}
}

// accusers is a grid of a coordinator, a submitter and four owners with two
// workers each.
func accusers() *State {
	s := NewState()
	s.Apply(Command{Found: &FoundGrid{Grid: "g", Coordinator: "c1", Operator: "op"}})
	for _, owner := range []string{"ada", "bob", "mallory", "sue"} {
		role := Worker
		if owner == "sue" {
			role = Submitter
		}
		s.Apply(Command{CreateToken: &CreateToken{Token: TokenID(owner), Role: role, Expires: s.Now.Add(time.Hour), Uses: 2, Owner: OwnerID(owner)}})
		for _, node := range []string{owner, owner + "2"} {
			s.Apply(Command{Admit: &AdmitNode{Token: TokenID(owner), Node: NodeID(node), Role: role, Address: node + ":1"}})
		}
	}
	s.Apply(Command{CreateToken: &CreateToken{Token: "c2", Role: Coordinator, Expires: s.Now.Add(time.Hour), Uses: 1}})
	s.Apply(Command{Admit: &AdmitNode{Token: "c2", Node: "c2", Role: Coordinator, Address: "c2:1"}})
	return s
}

// A snapshot is written while the state goes on.
func TestACopyDoesNotShareAccusers(t *testing.T) {
	s := accusers()
	s.Apply(Command{At: s.Now, Accuse: &AccusePeers{By: "ada", Nodes: []NodeID{"mallory"}}})
	before, want := s.Clone(), slices.Clone(s.Owners["mallory"].Accusers)
	s.Apply(Command{At: s.Now.Add(accusationLife), Accuse: &AccusePeers{By: "bob", Nodes: []NodeID{"mallory"}}})
	if got := before.Owners["mallory"].Accusers; !slices.Equal(got, want) {
		t.Errorf("the copy has changed with the state: %+v, want %+v", got, want)
	}
}

func TestOneOwnerCanNameButSome(t *testing.T) {
	s := accusers()
	for k := range 2 * maxAccused {
		id := fmt.Sprint("n", k)
		s.Apply(Command{At: s.Now, CreateToken: &CreateToken{Token: TokenID(id), Role: Worker, Expires: s.Now.Add(time.Hour), Uses: 1, Owner: OwnerID(id)}})
		s.Apply(Command{At: s.Now, Admit: &AdmitNode{Token: TokenID(id), Node: NodeID(id), Role: Worker, Address: id + ":1"}})
		s.Apply(Command{At: s.Now, Accuse: &AccusePeers{By: "ada", Nodes: []NodeID{NodeID(id)}}})
	}
	if n := s.accusedBy("ada"); n != maxAccused {
		t.Errorf("%d are accused by one owner, want %d", n, maxAccused)
	}
}

// A ban shuts out an owner's workers and submitters. A coordinator of his is the grid's.
func TestABanLeavesCoordinatorsIn(t *testing.T) {
	s := accusers()
	s.Apply(Command{CreateToken: &CreateToken{Token: "c3", Role: Coordinator, Expires: s.Now.Add(time.Hour), Uses: 1, Owner: "mallory"}})
	s.Apply(Command{Admit: &AdmitNode{Token: "c3", Node: "c3", Role: Coordinator}})
	s.Apply(Command{Accuse: &AccusePeers{By: "c1", Nodes: []NodeID{"mallory"}}})
	if s.BannedNode("mallory") == "" || s.BannedNode("mallory2") == "" {
		t.Error("his workers are not banned")
	}
	if why := s.BannedNode("c3"); why != "" {
		t.Errorf("his coordinator is banned: %s", why)
	}
	if r := s.Apply(Command{Accuse: &AccusePeers{By: "c3", Nodes: []NodeID{"ada"}}}).Rejection; r != nil || s.BannedNode("ada") == "" {
		t.Errorf("what his coordinator has met does not count: %v", r)
	}
}

func TestBadAccusations(t *testing.T) {
	s := accusers()
	s.Apply(Command{Accuse: &AccusePeers{By: "c1", Nodes: []NodeID{"mallory"}}})
	for _, c := range []struct {
		what   AccusePeers
		reason string
	}{
		{AccusePeers{By: "nobody", Nodes: []NodeID{"ada"}}, "UNKNOWN_NODE"},
		{AccusePeers{By: "mallory", Nodes: []NodeID{"ada"}}, "OWNER_BANNED"},
		{AccusePeers{By: "ada", Nodes: make([]NodeID, maxAccusedAtOnce+1)}, "INVALID_FIELD"},
		{AccusePeers{By: "ada", Nodes: []NodeID{"nobody"}}, ""},
	} {
		got := ""
		if r := s.Apply(Command{Accuse: &c.what}).Rejection; r != nil {
			got = r.Reason
		}
		if got != c.reason {
			t.Errorf("%+v: %q, want %q", c.what, got, c.reason)
		}
	}
}
