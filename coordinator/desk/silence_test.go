package desk

import (
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/lab/voter"
	"github.com/anthill-grid/anthill/jobs"
)

// asleep is a grid whose worker w1 has fallen silent with leases 1 and 2 of a job of two
// tasks, and a desk that writes renewals down at each look.
func asleep(t *testing.T) (*voter.Voter, *Desk, func()) {
	l := voter.New(t)
	l.Admit(jobs.Worker, "w1", "w2")
	d := openDesk(l, false)
	l.Submit("j", 2)
	l.Grant(1, "j", 0, "w1", time.Millisecond)
	l.Grant(2, "j", 1, "w1", time.Millisecond)
	time.Sleep(2 * time.Millisecond)
	lessor := newLessor(d)
	look := func() {
		d.renewals.written = time.Time{}
		lessor.swept = time.Time{}
		lessor.look(t.Context())
	}
	look()
	if l.Holds(1) || l.Holds(2) {
		t.Fatal("the leases of the silent have not ended")
	}
	return l, d, look
}

func beat(t *testing.T, d *Desk, leases ...jobs.LeaseID) (void []jobs.LeaseID) {
	t.Helper()
	void, err := d.Heartbeat("w1", Beat{Leases: leases})
	if err != nil {
		t.Fatal(err)
	}
	return void
}

func reliability(l *voter.Voter, id jobs.NodeID) (r jobs.Prob) {
	l.View(func(s *jobs.State) { r = s.Nodes[id].Reliability })
	return r
}

// A worker that wakes goes on with what it names; what it does not name it has lost once
// a second heartbeat says so.
func TestWhoWakesGetsItsLeasesBack(t *testing.T) {
	t.Parallel()
	l, d, look := asleep(t)
	for range 3 {
		if void := beat(t, d, 1, 7); len(void) != 1 || void[0] != 7 {
			t.Errorf("void leases %v, want only one that it never had", void)
		}
		look()
		if !l.Holds(1) || l.Holds(2) {
			t.Fatalf("lease 1 held: %v, lease 2: %v; want the one that was named", l.Holds(1), l.Holds(2))
		}
	}
	if r := reliability(l, "w1"); r != jobs.One*7/8 {
		t.Errorf("reliability %v, want one stumble for what it came back without", r)
	}
	l.View(func(s *jobs.State) {
		if a := s.Jobs["j"].Attempts; a.Lost != 1 || len(s.SilentOf("w1")) != 0 {
			t.Errorf("%+v, and %v may be given back; want one lost", a, s.SilentOf("w1"))
		}
	})
}

// A lease that was on its way when the first heartbeat was sent is not lost.
func TestOneHeartbeatWithoutALeaseIsNoLoss(t *testing.T) {
	t.Parallel()
	l, d, look := asleep(t)
	for _, named := range [][]jobs.LeaseID{{1}, {1, 2}, {1, 2}} {
		beat(t, d, named...)
		look()
	}
	if !l.Holds(1) || !l.Holds(2) || reliability(l, "w1") != jobs.One {
		t.Errorf("held: %v and %v, reliability %v", l.Holds(1), l.Holds(2), reliability(l, "w1"))
	}
}

// What a worker finished while it was cut off counts, before any heartbeat.
func TestALateReportCounts(t *testing.T) {
	t.Parallel()
	l, d, _ := asleep(t)
	ref := blob.Of([]byte("late")).Ref()
	done := make(chan error, 1)
	go func() {
		done <- d.Report(soon(t), []jobs.Report{{Lease: 1, Worker: "w1", Status: jobs.Succeeded, Output: ref}})
	}()
	l.Until("the report is in", func() bool { d.commitReports(t.Context()); return len(done) == 1 })
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	l.View(func(s *jobs.State) {
		if a := s.Jobs["j"].Attempts; a.Agreed != 1 || a.Lost != 1 {
			t.Errorf("%+v, want one agreed and the other lost", a)
		}
	})
}

// Who holds as much as anybody may gets nothing back.
func TestNobodyGetsBackMoreThanOneMayHold(t *testing.T) {
	t.Parallel()
	l, d, look := asleep(t)
	l.Submit("k", 2000)
	for place := range jobs.Place(1023) {
		l.Grant(jobs.LeaseID(place)+100, "k", place, "w1", time.Minute)
	}
	if void := beat(t, d, 1, 2); len(void) != 1 {
		t.Errorf("%v are void, want one of two", void)
	}
	look()
	if !l.Holds(1) || l.Holds(2) {
		t.Errorf("lease 1 held: %v, lease 2: %v", l.Holds(1), l.Holds(2))
	}
}
