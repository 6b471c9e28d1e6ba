package placement

import (
	"testing"

	"github.com/anthill-grid/anthill/internal/waits"
	"github.com/anthill-grid/anthill/jobs"
)

// standing is why a job stands still where these workers are alive.
func (g *grid) standing(j *jobs.Job, live []jobs.NodeID, paused ...jobs.NodeID) waits.Wait {
	isPaused := map[jobs.NodeID]bool{}
	for _, id := range paused {
		isPaused[id] = true
	}
	return Waiting(Standing{State: g.State, Job: j, Live: live, Paused: func(id jobs.NodeID) bool { return isPaused[id] }, Now: g.now,
		Terms: func(id jobs.NodeID) Terms { return g.terms[id] }, Declines: func(w jobs.NodeID) bool { return g.declines[string(w)+" "+j.Spec.Name] }})
}

func wantWait(t *testing.T, got waits.Wait, reason waits.Reason, count int) {
	t.Helper()
	if got.Reason != reason || got.Count != count {
		t.Errorf("waits for %+v, want the reason %d, of %d", got, reason, count)
	}
}

// TestWaitingForWorkers: that there are none, that they are banned, too few, or have all
// run what is in dispute.
func TestWaitingForWorkers(t *testing.T) {
	g := newGrid("a a", "b b", "c c")
	j := g.submit("j", 1, jobs.Trust{Quorum: 2})
	wantWait(t, g.standing(j, nil), waits.NoWorker, 0)
	wantWait(t, g.standing(j, []jobs.NodeID{"c1", "nobody"}), waits.NoWorker, 0)
	wantWait(t, g.standing(j, g.live[:1]), waits.Quorum, 1)
	wantWait(t, g.standing(j, g.live), waits.None, 0)
	g.Owners["a"].Banned, g.Owners["b"].Banned = "lied", "lied"
	wantWait(t, g.standing(j, g.live[:2]), waits.Banned, 2)
	g.Owners["a"].Banned, g.Owners["b"].Banned = "", ""
	g.carryOut(t, g.plan("a 1"))
	wantWait(t, g.standing(j, nil), waits.None, 0) // somebody is at it
	g.end(jobs.Grant{Lease: g.lease, Worker: "a"}, "x")
	wantWait(t, g.standing(j, g.live[:2]), waits.None, 0) // b will get it
	g.run(t, "b 1", "y")
	wantWait(t, g.standing(j, g.live[:2]), waits.Disputed, 2)
	g.run(t, "c 1", "x")
	wantWait(t, g.standing(j, g.live), waits.Results, 0)
	g.hold("j", 1)
	if j.State != jobs.JobSucceeded {
		t.Fatalf("the job is %v", j.State)
	}
	wantWait(t, g.standing(j, nil), waits.None, 0)
}

// TestWaitingForFurtherOwners has a small job that two strangers cannot be trusted with.
func TestWaitingForFurtherOwners(t *testing.T) {
	g := newGrid("a a", "b b")
	j := g.submit("j", 1, jobs.Trust{})
	g.run(t, "a 1", "x")
	wantWait(t, g.standing(j, g.live), waits.Results, 0)
	g.hold("j", 1)
	wantWait(t, g.standing(j, g.live), waits.None, 0) // b may run it
	wantPlan(t, g.run(t, "b 1", "x"), "j/0:b")
	wantPlan(t, g.plan("a 1", "b 1"), "")
	wantWait(t, g.standing(j, g.live), waits.OwnersAsked, 2)
}

// TestWaitingForPausedWorkers as soon as they are, whether they run something of the job
// or not.
func TestWaitingForPausedWorkers(t *testing.T) {
	g := newGrid("a a", "b b")
	j := g.submit("j", 2, jobs.Trust{Replicas: 1})
	wantWait(t, g.standing(j, g.live, "a"), waits.None, 0)
	wantWait(t, g.standing(j, g.live, "a", "b"), waits.Paused, 2)
	g.carryOut(t, g.plan("a 2"))
	wantWait(t, g.standing(j, g.live, "b"), waits.None, 0)
	wantWait(t, g.standing(j, g.live, "a"), waits.Paused, 1)
}

// TestWaitingForBusyWorkers: who has something else to do, until it has not.
func TestWaitingForBusyWorkers(t *testing.T) {
	g := newGrid("a a", "b b")
	g.submit("other", 10, jobs.Trust{Replicas: 1})
	g.carryOut(t, g.plan("a 1", "b 1"))
	j := g.submit("j", 2, jobs.Trust{Replicas: 1})
	wantWait(t, g.standing(j, g.live), waits.Busy, 2)
	wantWait(t, g.standing(j, g.live, "a"), waits.Busy, 1)
	g.end(jobs.Grant{Lease: g.lease, Worker: "b"}, "x")
	wantWait(t, g.standing(j, g.live), waits.None, 0)
	g.now += stalledAfter
	wantWait(t, g.standing(j, g.live), waits.Stalled, 0)
}

// TestWaitingForLateAttempts once all tasks are begun, and nothing else goes on.
func TestWaitingForLateAttempts(t *testing.T) {
	g := newGrid("a a", "b b", "c c")
	j := g.submit("j", 2, jobs.Trust{Replicas: 2, Quorum: 2})
	g.carryOut(t, g.plan("a 1", "b 1"))
	g.now += j.Patience() + 1
	wantWait(t, g.standing(j, g.live), waits.None, 0) // there is another task to begin
	began := g.now
	g.carryOut(t, g.plan("a 1", "b 1"))
	if int(j.Next) != j.Total() {
		t.Fatalf("%d tasks are begun", j.Next)
	}
	wantWait(t, g.standing(j, g.live), waits.None, 0)
	g.now += j.Patience() + 1
	w := g.standing(j, g.live)
	wantWait(t, w, waits.Late, 2)
	if !w.Since.Equal(began.Std()) {
		t.Errorf("nothing has moved since %v, want %v", w.Since, began.Std())
	}
	wantWait(t, g.standing(j, g.live, "a", "b"), waits.Paused, 2)
}

// TestWaitingForRoom in the account of the job's owner, which the last result did not fit
// into.
func TestWaitingForRoom(t *testing.T) {
	g := newGrid("a a")
	g.must(jobs.Command{Raise: &jobs.RaiseVersion{Version: jobs.LastVersion}})
	j := g.submit("j", 1, jobs.Trust{Replicas: 1})
	wantWait(t, g.standing(j, g.live), waits.None, 0)
	j.Lacks = 1 << 60
	wantWait(t, g.standing(j, g.live), waits.Account, 0)
}
