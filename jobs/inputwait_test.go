package jobs

import (
	"strings"
	"testing"
	"time"
)

// TestInputThatNobodyBringsEndsItsJob, but not before its time, and not if it came
// meanwhile.
func TestInputThatNobodyBringsEndsItsJob(t *testing.T) {
	g := gridOf("w1")
	spec := rangeSpec(1)
	spec.InputWait = time.Hour
	g.submit("j", spec)
	g.submit("usual", rangeSpec(1))
	j := g.Jobs["j"]
	lacked := func() {
		list := []LackedInput{{Job: "j", What: "3 of 12 pieces are with nobody"}, {Job: "usual"}, {Job: "gone"}}
		g.apply(Command{Confirm: &ConfirmHeld{Coordinator: "c1", Lacked: list}})
	}
	lacked()
	if until, waits := j.InputUntil(); !waits || until != g.Now.Add(time.Hour) {
		t.Fatalf("it waits until %v: %v", until, waits)
	}
	g.pass(59 * time.Minute)
	lacked()
	g.apply(Command{Confirm: &ConfirmHeld{Coordinator: "c1", Found: []JobID{"j", "gone"}}})
	if _, waits := j.InputUntil(); waits || j.State != JobRunning {
		t.Fatalf("%v, and it waits for what came: %v", j.State, waits)
	}
	lacked()
	g.pass(59 * time.Minute)
	if lacked(); j.State != JobRunning {
		t.Fatalf("%v after less than its time", j.State)
	}
	g.pass(time.Minute)
	lacked()
	if j.State != JobFailed || !strings.Contains(j.Reason, "input: 3 of 12 pieces are with nobody") || !strings.Contains(j.Reason, "input_wait") {
		t.Errorf("%v: %q", j.State, j.Reason)
	}
	if g.Jobs["usual"].State != JobRunning {
		t.Error("a job that says nothing waits for less than a day")
	}
	g.pass(DefaultInputWait)
	if lacked(); g.Jobs["usual"].State != JobFailed {
		t.Error("a job that says nothing waits for ever")
	}
}

// TestWhoIsAwayMakesNoResultSafe: what a coordinator alone holds is not done while it is
// away, and is computed again if it does not come.
func TestWhoIsAwayMakesNoResultSafe(t *testing.T) {
	g := gridOf("w1", "w2")
	g.admit(Coordinator, "c2", "op")
	g.submit("j", trustSpec(2, Trust{Replicas: 1}))
	j := g.Jobs["j"]
	g.run("j", 0, "w1", "aa")
	g.run("j", 1, "w1", "bb")
	g.confirm("c2", "j", 0, 1)
	g.confirm("c1", "j", 0)
	note := func(c NoteAway) { g.apply(Command{Away: &c}) }
	note(NoteAway{Away: []NodeID{"c2"}})
	if j.State != JobRunning || j.Done() != 1 {
		t.Fatalf("%v with %d done, though the only copy of a result is with a coordinator that is away", j.State, j.Done())
	}
	g.missing(ConfirmHeld{Coordinator: "c1", Away: []NodeID{"c2"}}, "j", 1)
	if j.Accepted() != 1 {
		t.Fatalf("%d results are left, want the one that c1 holds", j.Accepted())
	}
	g.run("j", 1, "w2", "bb")
	g.confirm("c1", "j", 1)
	if j.State != JobSucceeded {
		t.Errorf("%v after it was computed again", j.State)
	}
}

// TestWhoIsBackHasItsCopies again, and by the rules of before nothing was taken from it.
func TestWhoIsBackHasItsCopies(t *testing.T) {
	for _, version := range []Version{VersionStrangers, VersionThinkers} {
		g := oldGrid()
		g.apply(Command{Raise: &RaiseVersion{Version: version}})
		g.admit(Submitter, "sub", "ann")
		g.admit(Worker, "w1", "bob")
		for _, c := range []string{"c2", "c3"} {
			g.admit(Coordinator, c, "op")
		}
		g.submit("j", boundSpec(2, One/5))
		j := g.Jobs["j"]
		g.run("j", 0, "w1", "aa")
		g.confirm("c2", "j", 0)
		g.confirm("c3", "j", 0)
		g.apply(Command{Away: &NoteAway{Away: []NodeID{"c2"}}})
		if safe := j.Done() == 1; safe != (version < VersionThinkers) {
			t.Errorf("version %d: safe %v with one copy that is there", version, safe)
		}
		g.apply(Command{Raise: &RaiseVersion{Version: LastVersion}})
		if j.Done() != 0 {
			t.Error("safe by the newest rules with one copy that is there")
		}
		if g.apply(Command{Away: &NoteAway{Back: []NodeID{"c2"}}}); j.Done() != 1 {
			t.Error("not safe with two copies")
		}
	}
}
