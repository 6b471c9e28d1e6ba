package jobs

import (
	"strings"
	"testing"
)

// TestNoEvidenceIsForfeited has a liar that withholds the result it is accused of.
func TestNoEvidenceIsForfeited(t *testing.T) {
	g := gridOf("w1", "w2", "w3", "w4", "w5", "w6")
	g.submit("j", boundSpec(1, One/100))
	j := g.Jobs["j"]
	g.run("j", 0, "w1", "lie")
	g.run("j", 0, "w2", "truth")
	if n := j.Disputed(); n != 1 {
		t.Fatalf("%d tasks are disputed", n)
	}
	g.miss("c1", "j", 0)
	for _, w := range []string{"w3", "w4", "w5", "w6"} {
		if g.Owners["owner-w1"].Banned == "" {
			g.run("j", 0, w, "truth")
		}
	}
	if g.Owners["owner-w1"].Banned == "" || j.Disputed() != 0 {
		t.Error("the liar goes free")
	}
	if g.miss("c1", "j", 0); j.Accepted() != 0 {
		t.Error("after the dispute it is not computed again")
	}
}

// missing tells that results do not come, as the newest rules have it.
func (g *grid) missing(c ConfirmHeld, job string, places ...Place) {
	c.Missing = g.results(job, places)
	g.apply(Command{Confirm: &c})
}

// TestSlowLinesAreNobodysFault: what comes too slowly is computed again by others, and
// neither the worker nor the task is the worse for it.
func TestSlowLinesAreNobodysFault(t *testing.T) {
	for _, spec := range []Spec{rangeSpec(1), boundSpec(1, One/5)} {
		g := gridOf("w1", "w2", "w3", "w4")
		g.apply(Command{Raise: &RaiseVersion{Version: LastVersion}})
		g.submit("j", spec)
		j := g.Jobs["j"]
		for round := range 2 * maxLost {
			if j.Spec.Trust.Fixed() {
				g.run("j", 0, "w3", "aa")
			}
			if g.run("j", 0, "w1", "aa"); j.Accepted() != 1 {
				t.Fatalf("round %d: nothing is accepted", round)
			}
			g.missing(ConfirmHeld{Coordinator: "c1", Slow: true}, "j", 0)
			if j.Accepted() != 0 || j.State != JobRunning {
				t.Fatalf("round %d: %v with %d accepted", round, j.State, j.Accepted())
			}
		}
		if j.Unfetched(0) < 2*maxLost || g.Nodes["w1"].Reliability != One || g.Owners["owner-w1"].Banned != "" || g.Owners["owner-w1"].Agreed != 0 {
			t.Errorf("%d votes came to nothing; w1 %+v, its owner %+v", j.Unfetched(0), g.Nodes["w1"], g.Owners["owner-w1"])
		}
		if g.MayAttempt(j, j.Open[0], "w1", "owner-w1", false) || !g.MayAttempt(j, j.Open[0], "w2", "owner-w2", false) {
			t.Error("it is not for others to compute")
		}
		if e := j.Events[len(j.Events)-1]; e.Kind != EventReopened || !strings.Contains(e.Text, "owner-w1") {
			t.Errorf("the last event is %+v", e)
		}
	}
}

// TestWhatOnlyTheAwayHoldIsMissing: but not what somebody holds who is there.
func TestWhatOnlyTheAwayHoldIsMissing(t *testing.T) {
	g := gridOf("w1", "w2")
	g.apply(Command{Raise: &RaiseVersion{Version: LastVersion}})
	for _, c := range []string{"c2", "c3", "c4"} {
		g.admit(Coordinator, c, "op")
	}
	g.submit("j", boundSpec(3, One/5))
	for place := range Place(3) {
		g.run("j", place, "w1", "aa")
	}
	g.confirm("c2", "j", 0, 1)
	g.confirm("c3", "j", 1)
	g.confirm("c4", "j", 2)
	g.missing(ConfirmHeld{Coordinator: "c1"}, "j", 0, 1, 2)
	if n := g.Jobs["j"].Accepted(); n != 3 {
		t.Fatalf("%d results are left while coordinators hold all", n)
	}
	g.missing(ConfirmHeld{Coordinator: "c1", Away: []NodeID{"c2", "c4", "nobody"}}, "j", 0, 1, 2)
	j := g.Jobs["j"]
	if j.Accepted() != 1 || j.Closed[1].open() {
		t.Errorf("%d results are left, want the one that c3 holds", j.Accepted())
	}
	if r := g.Nodes["w1"].Reliability; r != One-One/8 {
		t.Errorf("a worker that lost two results at once has a reliability of %v, want one stumble", r)
	}
	g.run("j", 0, "w2", "aa")
	g.confirm("c2", "j", 0)
	if !g.Holds(j, 0, "c2") {
		t.Error("the copy of a coordinator that came back does not count")
	}
}
