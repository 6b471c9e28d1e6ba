package desk

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/anthill-grid/anthill/coordinator/placement"
	"github.com/anthill-grid/anthill/internal/lab/voter"
	"github.com/anthill-grid/anthill/jobs"
)

// Who gives tasks of a job back gets no more of them for a while that grows, and is left
// alone as soon as it brings the job further.
func TestReturnsInARow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r *returns
		for i, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
			now := time.Now()
			r = r.next(now)
			again := r.next(now.Add(time.Millisecond)) // of the same batch
			if got := r.until.Sub(now); got != want*time.Second || again.until != r.until || again.inARow != i+1 {
				t.Errorf("%d in a row: nothing for %v, want %v; one more: %v", i+1, got, want*time.Second, again)
			}
			time.Sleep(want * time.Second)
		}
	})
}

func TestDeskNotesWhoGivesTasksBack(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	l.Admit(jobs.Worker, "w1", "w2")
	d := openDesk(l, true)
	l.Submit("j", 6)
	for i, end := range []struct {
		status jobs.AttemptStatus
		by     jobs.NodeID
		shuns  bool
	}{{jobs.Lost, "w1", false}, {jobs.Starved, "w2", false}, {jobs.Starved, "w1", true}, {jobs.Crashed, "w1", false}, {jobs.Stopped, "w1", true}} {
		lease := jobs.LeaseID(i + 1)
		l.Grant(lease, "j", jobs.Place(i), "w1", time.Minute)
		if err := d.Report(soon(t), []jobs.Report{{Lease: lease, Worker: end.by, Status: end.status}}); err != nil {
			t.Fatal(err)
		}
		if got := d.shunning()[reading{"w1", "j"}]; got != end.shuns || d.shunning()[reading{"w2", "j"}] {
			t.Errorf("after %v by %s of a lease of w1: %v, want %v", end.status, end.by, got, end.shuns)
		}
	}
	if ids, err := d.Offer(soon(t), "w2", 1, jobs.Metering); err != nil || len(ids) != 1 {
		t.Errorf("another worker gets %v, %v; want a task", ids, err)
	}
}

// A job of which nothing can be run gets no lease until it can, and then at once.
func TestDeskWaitsForTheInput(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	l.Admit(jobs.Worker, "w1")
	d := openDesk(l, true)
	ready := make(chan jobs.Place, 1)
	ready <- 0
	d.ready = func(*jobs.State, jobs.JobID) jobs.Place {
		place := <-ready
		ready <- place
		return place
	}
	l.Submit("j", 4)
	got := make(chan []Lease, 1)
	go func() {
		ids, err := d.Offer(soon(t), "w1", 4, jobs.Metering)
		if err != nil {
			t.Error(err)
		}
		got <- ids
	}()
	select {
	case ids := <-got:
		t.Errorf("leases %v of tasks whose input is nowhere", ids)
	case <-time.After(2 * sweepEvery):
	}
	<-ready
	ready <- 2
	d.LookAgain()
	if ids := <-got; len(ids) != 2 {
		t.Errorf("%d leases, want the two tasks whose input is here", len(ids))
	}
}

// A worker that declines a job gets nothing more of it, where others do; what it says of
// leases of others counts for nothing.
func TestDeskNotesWhoDeclines(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	l.Admit(jobs.Worker, "w1", "w2")
	d := openDesk(l, true)
	l.Submit("j", 6)
	l.Grant(1, "j", 0, "w1", time.Minute)
	d.Decline("w2", []jobs.LeaseID{1, 99})
	if d.Declines("w2", "j") {
		t.Error("w2 declines by the lease of another")
	}
	d.Decline("w1", []jobs.LeaseID{1})
	if !d.Declines("w1", "j") || d.Declines("w1", "k") {
		t.Error("w1 does not decline the job of its lease alone")
	}
	d.Lend("w2", placement.Terms{Memory: 1 << 20})
	if _, err := d.Heartbeat("w2", Beat{Slots: 3}); err != nil {
		t.Fatal(err)
	}
	if got := d.Terms("w2"); got.Memory != 1<<20 || got.Slots != 3 {
		t.Errorf("w2 is lent %+v", got)
	}
	if _, small := d.terms()["w2"]; !small {
		t.Error("placement does not hear of the terms")
	}
}
