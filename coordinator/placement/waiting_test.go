package placement

import (
	"strings"
	"testing"

	"github.com/anthill-grid/anthill/jobs"
)

func TestWaiting(t *testing.T) {
	g := newGrid("a a", "b b", "c c")
	j := g.submit("j", 1, jobs.Trust{Quorum: 2})
	want := func(live []jobs.NodeID, text string) {
		t.Helper()
		got := Waiting(g.State, j, live, false)
		if (got == "") != (text == "") || !strings.Contains(got, text) {
			t.Errorf("waiting: %q, want %q", got, text)
		}
	}
	want(nil, "no worker is alive: start one with")
	want([]jobs.NodeID{"c1", "nobody"}, "no worker is alive")
	want(g.live[:1], "2 equal results are asked for each task, and the grid has only 1 live")
	want(g.live, "")
	g.carryOut(t, g.plan("a 1"))
	want(nil, "") // somebody is at it
	g.end(jobs.Grant{Lease: g.lease, Worker: "a"}, "x")
	want(g.live[:2], "") // b will get it
	g.run(t, "b 1", "y")
	want(g.live[:2], "the 2 live workers have run all tasks, and some results disagree")
	g.run(t, "c 1", "x")
	want(g.live, "they are being copied to further coordinators")
	g.must(jobs.Command{Confirm: &jobs.ConfirmHeld{Coordinator: "c1", Results: []jobs.HeldResults{{Job: "j", Sequences: []jobs.Sequence{0}}}}})
	if j.State != jobs.JobSucceeded {
		t.Fatalf("the job is %v", j.State)
	}
	want(nil, "")
}

// A small job that two strangers cannot be trusted with.
func TestWaitingForFurtherOwners(t *testing.T) {
	g := newGrid("a a", "b b")
	j := g.submit("j", 1, jobs.Trust{})
	g.run(t, "a 1", "x")
	if got := Waiting(g.State, j, g.live, false); got != "all results are accepted; they are being copied to further coordinators" {
		t.Errorf("waiting: %q", got)
	}
	g.must(jobs.Command{Confirm: &jobs.ConfirmHeld{Coordinator: "c1", Results: []jobs.HeldResults{{Job: "j", Sequences: []jobs.Sequence{0}}}}})
	if got := Waiting(g.State, j, g.live, false); got != "" {
		t.Errorf("while b may run it: waiting: %q", got)
	}
	wantPlan(t, g.run(t, "b 1", "x"), "j/0:b")
	wantPlan(t, g.plan("a 1", "b 1"), "")
	if got := Waiting(g.State, j, g.live, false); !strings.Contains(got, "the 2 live workers have run every task") || !strings.Contains(got, "further owners") {
		t.Errorf("waiting: %q", got)
	}
}
