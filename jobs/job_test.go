package jobs

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestSubmit(t *testing.T) {
	g := gridOf("w1")
	if out := g.submit("j", rangeSpec(3)); out.Rejection != nil || out.Job != "j" {
		t.Fatalf("submit: %+v", out)
	}
	j := g.mustBe(t, "j", JobRunning, "")
	if j.Owner != "ann" || j.Total() != 3 || j.Submitted != g.clock || !slices.Equal(g.Running(), []JobID{"j"}) {
		t.Errorf("job %+v", j)
	}
	wantRejected(t, g.submit("j", rangeSpec(3)), "JOB_EXISTS")
	wantRejected(t, g.submit("k", Spec{}), "INVALID_FIELD")
	wantRejected(t, g.apply(Command{Submit: &SubmitJob{Job: "k", Spec: rangeSpec(1), Submitter: "x"}}), "UNKNOWN_NODE")
	if len(g.Jobs) != 1 {
		t.Errorf("%d jobs", len(g.Jobs))
	}
}

func TestAgreementClosesATask(t *testing.T) {
	g := gridOf("w1", "w2", "w3")
	spec := rangeSpec(2)
	spec.Trust.Replicas = 3
	g.submit("j", spec)
	for _, w := range []string{"w1", "w2", "w3"} {
		g.grant("j", 0, w, false)
	}
	g.pass(time.Second)
	g.report(vote(1, "w1", "a"), vote(2, "w2", "a"), vote(3, "w3", "b"))
	j := g.mustBe(t, "j", JobRunning, "")
	if j.Closed[0].Output != fakeRef("a") || !slices.Equal(j.Order, []Place{0}) || j.Progress != g.clock {
		t.Errorf("job %+v", j)
	}
	if want := []NodeID{"w1", "w2"}; !slices.Equal(j.Unheld[0], want) || j.Done() != 0 {
		t.Errorf("%v have the bytes, want %v; %d done", j.Unheld[0], want, j.Done())
	}
	// The third report came after the quorum, in the same command: its lease was
	// void by then, and its owner is neither praised nor blamed.
	if o := g.Owners["owner-w3"]; o.Agreed+o.Outvoted+o.Checks+o.Credit != 0 || g.Owners["owner-w1"].Agreed != 1 {
		t.Errorf("records %+v, %+v", g.Owners["owner-w1"], o)
	}
	if g.grant("j", 0, "w3", true) != 0 {
		t.Error("a closed task was given out")
	}
}

func TestJobFailsWithTheReasonAgreedOn(t *testing.T) {
	g := gridOf("w1", "w2", "w3")
	g.submit("j", rangeSpec(2))
	g.grant("j", 0, "w1", false)
	g.grant("j", 1, "w3", false)
	first := vote(1, "w1", "!3")
	first.Reason = "exit code 3: no such word"
	g.report(first)
	g.run("j", 0, "w2", "!3")
	j := g.mustBe(t, "j", JobRunning, "") // one failed task fails the task
	if e := j.Events[0]; e.Kind != EventFailed || e.Text != "task 0 has failed: "+first.Reason {
		t.Errorf("event %+v", e)
	}
	g.report(vote(2, "w3", "aa"))
	g.run("j", 1, "w2", "aa")
	g.confirm("c1", "j", 1)
	g.mustBe(t, "j", JobFailed, "task 0: exit code 3: no such word")
	if j.Finished != g.clock || j.Open != nil || len(g.leases.attempts) != 0 || len(g.Running()) != 0 {
		t.Errorf("job %+v", j)
	}
	if e := j.Events[1]; e.Kind != EventFinished || e.Text != "failed: "+j.Reason {
		t.Errorf("event %+v", e)
	}
}

func TestCancel(t *testing.T) {
	g := gridOf("w1")
	g.admit(Submitter, "sub2", "ann")
	g.admit(Submitter, "bob", "bob")
	cancel := func(job, by string) Outcome {
		return g.apply(Command{Cancel: &CancelJob{Job: JobID(job), By: NodeID(by)}})
	}
	for _, id := range []string{"a", "b", "c"} {
		g.submit(id, rangeSpec(1))
	}
	g.grant("a", 0, "w1", false)
	wantRejected(t, cancel("x", "sub"), "UNKNOWN_JOB")
	wantRejected(t, cancel("a", "bob"), "NOT_YOUR_JOB")
	wantRejected(t, cancel("a", "w1"), "NOT_YOUR_JOB")
	wantRejected(t, cancel("a", "nobody"), "NOT_YOUR_JOB")
	wantRejected(t, cancel("a", "sub"), "")
	wantRejected(t, cancel("b", "sub2"), "") // another node of the same owner
	wantRejected(t, cancel("c", "op"), "")
	wantRejected(t, cancel("a", "sub"), "JOB_FINISHED")
	g.mustBe(t, "a", JobCancelled, "cancelled by ann")
	g.mustBe(t, "c", JobCancelled, "cancelled by operator")
	if len(g.LeasesOf("w1")) != 0 {
		t.Error("w1 still holds a lease")
	}
}

func TestRefusedJobsFail(t *testing.T) {
	g := gridOf()
	g.submit("j", rangeSpec(2))
	long := strings.Repeat("x", 2*MaxReason)
	for range 2 {
		g.apply(Command{Confirm: &ConfirmHeld{Coordinator: "c1", Refused: []RefusedJob{{"j", long}, {"x", "unknown"}}}})
	}
	g.mustBe(t, "j", JobFailed, long[:MaxReason])
}

func TestEventsFade(t *testing.T) {
	g := gridOf()
	g.submit("j", rangeSpec(1))
	j := g.Jobs["j"]
	for i := range 100 {
		g.event(j, EventDisputed, "", fmt.Sprint(i))
	}
	if len(j.Events) != maxEvents || j.Events[0].Sequence != 100-maxEvents || j.Events[maxEvents-1].Text != "99" {
		t.Errorf("%d events from %+v", len(j.Events), j.Events[0])
	}
}
