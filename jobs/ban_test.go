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
		{"any of its nodes", []string{"ada mallory", "bob mallory2"}, "mallory"},
		{"no owner gets itself banned", []string{"mallory2 mallory", "ada mallory"}, ""},
		{"a coordinator has met it", []string{"c1 mallory"}, "mallory"},
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

func TestMisbehaves(t *testing.T) {
	for _, test := range []struct {
		agreed, outvoted uint64
		want             bool
	}{
		{0, 0, false}, {0, 2, false}, {0, 3, true}, {27, 3, true}, {28, 3, false}, {9000, 999, false}, {9000, 1000, true},
	} {
		o := Owner{Agreed: test.agreed, Outvoted: test.outvoted}
		if o.misbehaves() != test.want {
			t.Errorf("%d agreed, %d outvoted: misbehaves %v", test.agreed, test.outvoted, !test.want)
		}
	}
}

// lie makes a worker's votes on fresh tasks be outvoted by w1 and w2.
func lie(g *grid, liar string, from, n Place) {
	for task := from; task < from+n; task++ {
		g.run("j", task, liar, "wrong")
		g.run("j", task, "w1", "right")
		g.run("j", task, "w2", "right")
	}
}

func TestBanVoidsVotesAndLeases(t *testing.T) {
	g := gridOf("w1", "w2", "w3")
	g.submit("j", rangeSpec(10))
	g.submit("other", rangeSpec(10))
	lie(g, "w3", 0, 2)
	if g.banned("owner-w3") {
		t.Fatal("banned for two lies")
	}
	g.run("j", 2, "w3", "wrong")
	g.grant("j", 3, "w3", false)
	g.run("j", 4, "w3", "killed")
	g.run("j", 5, "w3", "wrong")
	g.run("j", 5, "w1", "right")
	g.grant("other", 0, "w3", false)
	g.run("j", 2, "w1", "right")
	g.run("j", 2, "w2", "right")

	if why := g.BannedNode("w3"); why != "3 of 3 results outvoted" {
		t.Fatalf("banned: %q", why)
	}
	if n := len(g.LeasesOf("w3")); n != 0 {
		t.Errorf("w3 still holds %d leases", n)
	}
	j := g.Jobs["j"]
	wantStates(t, j.Open[3], AttemptVoid)
	wantStates(t, j.Open[4], AttemptVoid)
	wantStates(t, j.Open[5], AttemptVoid, AttemptVoted)
	wantStates(t, g.Jobs["other"].Open[0], AttemptVoid)
	if j.Open[5].Disputed {
		t.Error("task 5 is disputed by a void vote")
	}
	if e := j.Events[len(j.Events)-1]; e.Kind != EventBanned || e.Owner != "owner-w3" {
		t.Errorf("last event %+v", e)
	}
	for task := Place(0); task < 3; task++ {
		if j.Closed[task].Output != fakeRef("right") {
			t.Errorf("task %d: %v accepted", task, j.Closed[task].Output)
		}
	}
	if o := g.Owners["owner-w3"]; o.Outvoted != 3 || o.Agreed != 0 {
		t.Errorf("record %+v", o)
	}
}

// The banned owner's attempt may have been the last that was awaited: with no
// other to come, nothing else would ever judge the task again.
func TestBanSettlesWhatIsHopelessNow(t *testing.T) {
	g := gridOf("w1", "w2", "w3", "w4", "w5", "w6")
	g.submit("j", rangeSpec(10))
	spec := rangeSpec(1)
	spec.Trust = Trust{Replicas: 3, Quorum: 3, MaxAttempts: 5}
	g.submit("hopeless", spec)
	for _, w := range []string{"w3", "w1", "w2"} {
		g.grant("hopeless", 0, w, false)
	}
	g.report(vote(g.lease("hopeless", 0, "w1"), "w1", "a"), vote(g.lease("hopeless", 0, "w2"), "w2", "b"))
	g.run("hopeless", 0, "w4", "c")
	g.run("hopeless", 0, "w5", "d")
	g.mustBe(t, "hopeless", JobRunning, "")
	lie(g, "w3", 0, 3)
	g.mustBe(t, "hopeless", JobFailed, "task 0: 4 different results in 4 attempts")
}

func TestStrayMismatchDoesNotBan(t *testing.T) {
	g := gridOf("w1", "w2", "w3")
	g.submit("j", rangeSpec(100))
	for task := range Place(30) {
		g.run("j", task, "w3", "right")
		g.run("j", task, "w1", "right")
	}
	lie(g, "w3", 30, 3)
	if g.banned("owner-w3") {
		t.Error("banned for 3 of 33")
	}
	lie(g, "w3", 33, 1)
	if why := g.BannedNode("w3"); why != "4 of 34 results outvoted" {
		t.Errorf("banned: %q", why)
	}
}

func TestBannedOwnerIsNotAdmitted(t *testing.T) {
	g := gridOf("w1")
	g.ban(newHearing(), "owner-w1", "3 of 3 results outvoted")
	g.apply(Command{CreateToken: &CreateToken{Token: "again", Role: Worker, Uses: 1, Owner: "owner-w1", Expires: g.clock + 1}})
	wantRejected(t, g.apply(Command{Admit: &AdmitNode{Token: "again", Node: "w9", Role: Worker}}), "OWNER_BANNED")
	if g.BannedNode("w1") != "3 of 3 results outvoted" || g.BannedNode("c1") != "" || g.BannedNode("nobody") != "" {
		t.Errorf("banned: w1 %q, c1 %q", g.BannedNode("w1"), g.BannedNode("c1"))
	}
}

// A ban shuts out an owner's workers and submitters. A coordinator of its own is the grid's.
func TestABanLeavesCoordinatorsIn(t *testing.T) {
	s := accusers()
	s.Apply(Command{CreateToken: &CreateToken{Token: "c3", Role: Coordinator, Expires: s.Now.Add(time.Hour), Uses: 1, Owner: "mallory"}})
	s.Apply(Command{Admit: &AdmitNode{Token: "c3", Node: "c3", Role: Coordinator}})
	s.Apply(Command{Accuse: &AccusePeers{By: "c1", Nodes: []NodeID{"mallory"}}})
	if s.BannedNode("mallory") == "" || s.BannedNode("mallory2") == "" {
		t.Error("its workers are not banned")
	}
	if why := s.BannedNode("c3"); why != "" {
		t.Errorf("its coordinator is banned: %s", why)
	}
	if r := s.Apply(Command{Accuse: &AccusePeers{By: "c3", Nodes: []NodeID{"ada"}}}).Rejection; r != nil || s.BannedNode("ada") == "" {
		t.Errorf("what its coordinator has met does not count: %v", r)
	}
}
