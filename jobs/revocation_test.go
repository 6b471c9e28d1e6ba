package jobs

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// end ends a node in the name of the operator.
func (g *grid) end(node string, c EndNode) *Rejection {
	c.Node, c.By = NodeID(node), "op"
	return g.apply(Command{EndNode: &c}).Rejection
}

func TestRevokedNodesAreShutOutForGood(t *testing.T) {
	g := gridOf("w1", "w2", "w3")
	g.submit("j", rangeSpec(4))
	lease := g.grant("j", 0, "w1", false)
	if r := g.end("w1", EndNode{Revoke: true, Why: "stolen"}); r != nil {
		t.Fatal(r)
	}
	if why := g.ShutOut("w1"); why != "its key was revoked: stolen" {
		t.Errorf("w1 is shut out: %q", why)
	}
	wantStates(t, g.Jobs["j"].Open[0], AttemptVoid)
	if g.grant("j", 1, "w1", false) != 0 {
		t.Error("it gets a lease")
	}
	g.apply(Command{Report: &ReportAttempts{Reports: []Report{vote(lease, "w1", "x")}}})
	wantStates(t, g.Jobs["j"].Open[0], AttemptVoid)
	for _, token := range []string{"token-for-w1", "again"} {
		g.apply(Command{CreateToken: &CreateToken{Token: "again", Role: Worker, Uses: 1, Owner: "owner-w1", Expires: g.clock + 1}})
		if r := g.apply(Command{Admit: &AdmitNode{Token: TokenID(token), Node: "w1", Role: Worker}}).Rejection; r == nil || r.Reason != "NODE_ENDED" {
			t.Errorf("with %s it comes back: %v", token, r)
		}
	}
	if !slices.Equal(g.Outlaws(), []NodeID{"w1"}) {
		t.Errorf("outlaws %v", g.Outlaws())
	}
	g.pass(CertificateLife + time.Hour)
	g.apply(Command{Expire: &ExpireLeases{}})
	if len(g.Outlaws()) != 0 || g.ShutOut("w1") == "" {
		t.Error("its certificate has ended, and peers still have to know of it")
	}
}

func TestRemovedNodesComeBackByATokenOfTheirOwner(t *testing.T) {
	g := gridOf("w1")
	if r := g.end("w1", EndNode{}); r != nil {
		t.Fatal(r)
	}
	cuts := g.Cuts()
	for owner, want := range map[OwnerID]bool{"another": false, "owner-w1": true} {
		g.apply(Command{CreateToken: &CreateToken{Token: TokenID(owner), Role: Worker, Uses: 1, Owner: owner, Expires: g.clock + 1}})
		r := g.apply(Command{Admit: &AdmitNode{Token: TokenID(owner), Node: "w1", Role: Worker}}).Rejection
		if (r == nil) != want {
			t.Errorf("with a token of %s: %v", owner, r)
		}
	}
	if g.ShutOut("w1") != "" || g.Cuts() == cuts || len(g.Numbered) != 1 {
		t.Errorf("it is back: %q, numbered %v", g.ShutOut("w1"), g.Numbered)
	}
}

func TestWhoIsNotEnded(t *testing.T) {
	g := gridOf("w1")
	for node, c := range map[string]struct {
		how  EndNode
		want string
	}{
		"op":     {EndNode{Revoke: true}, "LAST_OPERATOR"},
		"c1":     {EndNode{Coordinator: true}, "LAST_COORDINATOR"},
		"w1":     {EndNode{Coordinator: true}, "NOT_A_COORDINATOR"},
		"nobody": {EndNode{}, "UNKNOWN_NODE"},
		"sub":    {EndNode{Why: strings.Repeat("x", MaxWhy+1)}, "INVALID_FIELD"},
	} {
		if r := g.end(node, c.how); r == nil || r.Reason != c.want {
			t.Errorf("%s: %v, want %s", node, r, c.want)
		}
	}
	g.admit(Coordinator, "c2", "operator")
	if r := g.end("c2", EndNode{}); r == nil || r.Reason != "IS_COORDINATOR" {
		t.Errorf("a coordinator by mistake: %v", r)
	}
	if len(g.Record) != 0 {
		t.Errorf("what was refused is on the record: %v", g.Record)
	}
}

func TestARemovedCoordinatorHoldsNothing(t *testing.T) {
	g := gridOf("w1", "w2")
	g.admit(Coordinator, "c2", "operator")
	g.submit("j", rangeSpec(1))
	for _, w := range []string{"w1", "w2"} {
		g.apply(Command{Report: &ReportAttempts{Reports: []Report{vote(g.grant("j", 0, w, false), w, "x")}}})
	}
	confirm := func(c string) *Rejection {
		return g.apply(Command{Confirm: &ConfirmHeld{Coordinator: NodeID(c), Results: []HeldResults{{Job: "j", Sequences: []Sequence{0}}}, Inputs: []JobID{"j"}}}).Rejection
	}
	confirm("c1")
	if j := g.Jobs["j"]; j.State != JobRunning {
		t.Fatalf("with one copy of two the job is %v", j.State)
	}
	if r := g.end("c2", EndNode{Coordinator: true}); r != nil {
		t.Fatal(r)
	}
	if j := g.Jobs["j"]; j.State != JobSucceeded || g.CopiesNeeded() != 1 {
		t.Errorf("one coordinator is left, and has all: %v", j.State)
	}
	if r := confirm("c2"); r == nil || g.Jobs["j"].InputCopies() != 1 {
		t.Errorf("it confirms: %v", r)
	}
}

func TestOperatorsBanAndUnban(t *testing.T) {
	g := gridOf("w1", "w2")
	g.submit("j", rangeSpec(2))
	g.grant("j", 0, "w1", false)
	ban := func(owner string, lift bool) *Rejection {
		return g.apply(Command{BanOwner: &BanOwner{Owner: OwnerID(owner), By: "op", Why: "spam", Lift: lift}}).Rejection
	}
	for owner, want := range map[string]string{"operator": "OWN_OWNER", "nobody": "UNKNOWN_OWNER"} {
		if r := ban(owner, false); r == nil || r.Reason != want {
			t.Errorf("ban %s: %v", owner, r)
		}
	}
	if r := ban("owner-w1", true); r == nil || r.Reason != "NOT_BANNED" {
		t.Errorf("unban who is not banned: %v", r)
	}
	for _, owner := range []string{"owner-w1", "ann"} {
		if r := ban(owner, false); r != nil {
			t.Fatal(r)
		}
	}
	if !slices.Equal(g.Outlaws(), []NodeID{"sub", "w1"}) || g.Jobs["j"].State != JobCancelled || len(g.LeasesOf("w1")) != 0 {
		t.Errorf("outlaws %v, the job of the banned is %v", g.Outlaws(), g.Jobs["j"].State)
	}
	if r := ban("owner-w1", true); r != nil || g.ShutOut("w1") != "" || g.bannedCrew != 0 {
		t.Errorf("unbanned: %v, %q, %d", r, g.ShutOut("w1"), g.bannedCrew)
	}
	var acts []string
	for _, e := range g.Record {
		acts = append(acts, string(e.By)+" "+string(e.Act)+" "+e.Subject+" "+e.Why)
	}
	want := "op owner banned owner-w1 spam, op owner banned ann spam, op owner unbanned owner-w1 spam"
	if got := strings.Join(acts, ", "); got != want {
		t.Errorf("the record says %s; want %s", got, want)
	}
}

func TestTheRecordIsBounded(t *testing.T) {
	g := gridOf("w1")
	for i := range maxRecord + 10 {
		g.note("op", ActOwnerChanged, fmt.Sprint(i), "")
	}
	if len(g.Record) != maxRecord {
		t.Errorf("%d acts are kept", len(g.Record))
	}
	g.pass(recordLife)
	g.apply(Command{BanOwner: &BanOwner{Owner: "owner-w1", By: "op"}})
	if len(g.Record) != 1 {
		t.Errorf("after a year %d are kept", len(g.Record))
	}
}

func TestRevokedTokensLetNobodyIn(t *testing.T) {
	g := gridOf()
	g.apply(Command{CreateToken: &CreateToken{Token: "t", Role: Worker, Uses: 2, Owner: "o", Expires: g.clock + 1000, By: "op"}})
	g.apply(Command{Admit: &AdmitNode{Token: "t", Node: "w1", Role: Worker}})
	if r := g.apply(Command{RevokeToken: &RevokeToken{Token: "t", By: "op", Why: "leaked"}}).Rejection; r != nil {
		t.Fatal(r)
	}
	if r := g.apply(Command{Admit: &AdmitNode{Token: "t", Node: "w2", Role: Worker}}).Rejection; r == nil || r.Reason != "TOKEN_UNKNOWN" {
		t.Errorf("it lets in: %v", r)
	}
	if g.ShutOut("w1") != "" || g.Nodes["w1"] == nil || len(g.Record) != 2 {
		t.Errorf("who has joined does not stay; record %v", g.Record)
	}
	if r := g.apply(Command{RevokeToken: &RevokeToken{Token: "t", By: "op"}}).Rejection; r == nil || r.Reason != "UNKNOWN_TOKEN" {
		t.Errorf("again: %v", r)
	}
}
