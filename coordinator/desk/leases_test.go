package desk

import (
	"context"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/voter"
	"github.com/anthill-grid/anthill/jobs"
)

func TestDeskRenewsInPieces(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	l.Admit(jobs.Worker, "w1")
	d := openDesk(l, false)
	l.Submit("j", 1)
	l.Grant(math64, "j", 0, "w1", time.Second)
	for i := range 3*maxRenewals + 1 {
		d.renewals.heard[math64-jobs.LeaseID(i)] = true
	}
	if r, due := d.takeRenewals(); due {
		t.Fatalf("%d renewals right after the term began, want them later", len(r.heard))
	}
	d.renewals.written = d.renewals.written.Add(-jobs.RenewEvery)
	newLessor(d).look(t.Context()) // one command would be too long: lab's desk fails on warnings
	later := jobs.TimeOf(time.Now().Add(jobs.LeaseDuration / 2))
	l.View(func(s *jobs.State) {
		if s.AnyExpired(later) {
			t.Error("the lease was not renewed")
		}
	})
}

// math64 is a lease id as long as ids can be in the log.
const math64 jobs.LeaseID = 1<<64 - 1

func TestDeskVoidsLeasesOfTheSilent(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	l.Admit(jobs.Worker, "w1", "w2")
	d := openDesk(l, false) // so that opening it does not renew the lease
	l.Submit("j", 1)
	l.Grant(1, "j", 0, "w1", 50*time.Millisecond)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		d.Run(ctx)
		close(ended)
	}()
	l.Until("the silent worker loses its lease", func() bool { return !l.Holds(1) })
	ids, err := d.Offer(soon(t), "w2", 1, jobs.Metering)
	if err != nil || len(ids) != 1 {
		t.Errorf("offer after the lease of another ended: %v, %v; want the task", ids, err)
	}
	cancel()
	<-ended
}

// A leader that stood still, or whose clock was set forward, has heard of nobody meanwhile.
func TestAStandstillOfTheLeaderCostsNoLease(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	l.Admit(jobs.Worker, "w1")
	d := openDesk(l, false)
	l.Submit("j", 1)
	l.Grant(1, "j", 0, "w1", 50*time.Millisecond)
	time.Sleep(60 * time.Millisecond)
	lessor := newLessor(d)
	lessor.asOf -= jobs.Time(jobs.Standstill.Milliseconds()) // that long ago it looked last
	d.began = time.Time{}
	lessor.look(t.Context())
	if !l.Holds(1) {
		t.Error("the worker lost its lease because the leader stood still")
	}
	later := jobs.TimeOf(time.Now().Add(jobs.LeaseDuration))
	l.View(func(s *jobs.State) {
		if !s.AnyExpired(later) {
			t.Error("the lease lives for longer than one that was renewed")
		}
	})
	if !d.early() {
		t.Error("it thinks that it has heard of everybody who is alive")
	}
	l.Until("it looks again", func() bool { lessor.look(t.Context()); return time.Since(lessor.swept) < time.Second })
	if !l.Holds(1) {
		t.Error("the grace was taken back")
	}
}

func TestDeskOpensWithAGraceForLeases(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	l.Admit(jobs.Worker, "w1")
	l.Submit("j", 1)
	l.Grant(1, "j", 0, "w1", time.Millisecond) // of the former leader
	d := openDesk(l, false)
	time.Sleep(5 * time.Millisecond)
	newLessor(d).look(t.Context())
	if !l.Holds(1) {
		t.Error("the new leader took a lease back before its worker could be heard")
	}
}
