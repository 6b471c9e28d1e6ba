package desk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/coordinator/placement"
	"github.com/anthill-grid/anthill/coordinator/rpc"
	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/lab/voter"
	"github.com/anthill-grid/anthill/jobs"
)

func TestBatches(t *testing.T) {
	for _, c := range []struct {
		sizes []int
		want  string
	}{
		{nil, "[]"},
		{[]int{0}, "[[0]]"}, // a report of nothing must not stop the leader
		{[]int{3, 3, 4}, "[[3 3 4]]"},
		{[]int{3, 3, 5}, "[[3 3] [5]]"},
		{[]int{30, 1, 0, 9}, "[[30] [1 0 9]]"},
		{[]int{1, 30, 1}, "[[1] [30] [1]]"},
	} {
		var all []*delivery[int]
		for _, n := range c.sizes {
			all = append(all, &delivery[int]{items: make([]int, n)})
		}
		groups := [][]int{}
		for _, g := range batches(all, 10) {
			var sizes []int
			for _, d := range g {
				sizes = append(sizes, len(d.items))
			}
			groups = append(groups, sizes)
		}
		if got := fmt.Sprint(groups); got != c.want {
			t.Errorf("batches(%v) = %s, want %s", c.sizes, got, c.want)
		}
	}
}

// soon is a context for calls that should not take long.
func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// openDesk opens a desk, with its loops running if run is set.
func openDesk(l *voter.Voter, run bool) *Desk {
	l.Helper()
	logger := slog.New(slog.NewTextHandler(complaints{l.TB}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	d := New(Config{Replica: l.Replica, Logger: logger})
	if err := d.Open(l.Context()); err != nil {
		l.Fatal(err)
	}
	if run {
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() {
			d.Run(ctx)
			close(ended)
		}()
		l.Cleanup(func() {
			cancel()
			<-ended
		})
	}
	return d
}

// complaints makes warnings errors of the test, but for the term's end.
type complaints struct{ testing.TB }

func (c complaints) Write(p []byte) (int, error) {
	if !strings.Contains(string(p), rpc.ErrNoLeader.Error()) {
		c.Errorf("warning: %s", p)
	}
	return len(p), nil
}

func TestDeskGivesWorkAndTakesReports(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	l.Admit(jobs.Worker, "w1", "w2")
	d := openDesk(l, true)
	l.Submit("j", 3)
	leases, err := d.Offer(soon(t), "w1", 2)
	if err != nil || len(leases) != 2 {
		t.Fatalf("offer: %v, %v; want 2 leases", leases, err)
	}
	void, err := d.Heartbeat("w1", rpc.Beat{Leases: append(leases, 7), Slots: 2, Paused: true, Address: "h:1"})
	if err != nil || !slices.Equal(void, []jobs.LeaseID{7}) {
		t.Errorf("void leases %v, %v; want only 7", void, err)
	}
	if void, _ := d.Heartbeat("w2", rpc.Beat{Leases: leases}); len(void) != 2 {
		t.Errorf("another worker's leases: %v are void, want both", void)
	}
	if slots, paused := d.Slots("w1"); slots != 2 || !paused {
		t.Errorf("%d slots, paused %v: not those of the last heartbeat", slots, paused)
	}
	if slots, paused := d.Slots("nobody"); slots != 0 || paused {
		t.Errorf("nobody has %d slots, paused %v", slots, paused)
	}
	if fuel := d.Fuel("j"); len(fuel) != 0 {
		t.Errorf("fuel %v before anybody said so", fuel)
	}
	_, _ = d.Heartbeat("w2", rpc.Beat{Fuel: map[jobs.LeaseID]uint64{leases[0]: 9}})
	_, _ = d.Heartbeat("w1", rpc.Beat{Leases: leases, Slots: 2, Paused: true, Fuel: map[jobs.LeaseID]uint64{leases[1]: 5, 7: 1}})
	if fuel := d.Fuel("j"); len(fuel) != 1 || fuel[leases[1]] != 5 || len(d.Fuel("k")) != 0 {
		t.Errorf("fuel %v, want 5 of its holder's lease alone", fuel)
	}
	d.mu.Lock()
	if n := len(d.workers["w1"].fuel) + len(d.workers["w2"].fuel); n != 2 {
		t.Errorf("fuel of %d leases is kept, want that of the two that are held", n)
	}
	d.mu.Unlock()
	paused := func() (is bool) {
		l.View(func(s *jobs.State) { is = s.Jobs["j"].Paused() == 2 })
		return is
	}
	if paused() {
		t.Error("the leases stand still at once")
	}
	d.mu.Lock()
	d.workers["w1"].since = time.Now().Add(-pausePatience)
	d.mu.Unlock()
	beat := func(pausing bool) {
		if _, err := d.Heartbeat("w1", rpc.Beat{Leases: leases, Slots: 2, Paused: pausing}); err != nil {
			t.Fatal(err)
		}
	}
	l.Until("the leases stand still", func() bool { beat(true); return paused() })
	l.Until("they go on", func() bool { beat(false); return !paused() })
	ref := blob.Of([]byte("result")).Ref()
	report := jobs.Report{Lease: leases[0], Worker: "w1", Status: jobs.Succeeded, Output: ref}
	if err := d.Report(soon(t), []jobs.Report{report}); err != nil {
		t.Fatal(err)
	}
	if l.Holds(leases[0]) || !l.Holds(leases[1]) {
		t.Error("the report did not end its lease, or ended another")
	}
	if err := d.Report(soon(t), nil); err != nil {
		t.Errorf("an empty report: %v", err)
	}
}

// idleDesk is an open desk that never commits anything.
func idleDesk() *Desk {
	d := New(Config{Logger: voter.Quiet})
	d.leading = true
	return d
}

// TestDeskRemembersWhoReadWhat: two machines of one owner get the same tasks of two
// jobs on the same input.
func TestDeskRemembersWhoReadWhat(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	for _, id := range []jobs.NodeID{"w1", "w2"} {
		token := jobs.TokenID("token of " + id)
		l.Do(jobs.Command{CreateToken: &jobs.CreateToken{Token: token, Role: jobs.Worker, Uses: 1, Expires: 1 << 50, Owner: "o"}})
		l.Do(jobs.Command{Admit: &jobs.AdmitNode{Token: token, Node: id, Role: jobs.Worker}})
	}
	d := openDesk(l, false)
	d.near = placement.NewNearness()
	had := map[jobs.Index]jobs.NodeID{}
	for n := range 10 {
		job := jobs.JobID(fmt.Sprint("j", n))
		l.Submit(job, 0, func(c *jobs.SubmitJob) {
			c.Spec.Input = jobs.Input{Blob: &jobs.BlobInput{Blob: blob.Ref{ID: blob.ID{1}, Size: 8 * blob.MinPiece}, ShardSize: blob.MinPiece}}
			c.Seed = uint64(n + 1)
		})
		for _, id := range []jobs.NodeID{"w1", "w2"} {
			d.register(id, &offer{capacity: 4, grants: make(chan []jobs.LeaseID, 1)})
		}
		d.commitGrants(t.Context())
		l.View(func(s *jobs.State) {
			j := s.Jobs[job]
			if len(j.Open) != 8 {
				t.Fatalf("%d tasks are open, want all 8", len(j.Open))
			}
			for place, task := range j.Open {
				index, worker := j.TaskAt(place), task.Attempts[0].Worker
				if n > 0 && had[index] != worker {
					t.Errorf("task %d of %s went to %s, and before to %s", index, job, worker, had[index])
				}
				had[index] = worker
			}
		})
		l.Do(jobs.Command{Cancel: &jobs.CancelJob{Job: job, By: "op"}})
	}
}

func TestDeskReplacesAnOffer(t *testing.T) {
	t.Parallel()
	d := idleDesk()
	first := make(chan error, 1)
	go func() {
		ids, err := d.Offer(context.Background(), "w1", 1)
		if len(ids) > 0 {
			err = errors.New("it got leases")
		}
		first <- err
	}()
	voter.Until(t, "the first offer waits", func() bool { return len(d.openOffers()) == 1 })
	voter.Until(t, "it is replaced", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		ids, err := d.Offer(ctx, "w1", 1)
		if ids != nil || err != nil {
			t.Fatalf("an offer that nobody answered: %v, %v", ids, err)
		}
		return len(first) == 1
	})
	if err := <-first; err != nil {
		t.Errorf("the first offer: %v", err)
	}
	if n := len(d.openOffers()); n != 0 {
		t.Errorf("%d offers are left", n)
	}
}

func TestDeskGivesWhatWasGrantedAtTheLastMoment(t *testing.T) {
	t.Parallel()
	d := idleDesk()
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan []jobs.LeaseID, 1)
	go func() {
		ids, _ := d.Offer(ctx, "w1", 1)
		got <- ids
	}()
	voter.Until(t, "the offer waits", func() bool { return len(d.openOffers()) == 1 })
	d.mu.Lock()
	cancel()
	time.Sleep(20 * time.Millisecond) // the offer now wants to withdraw
	d.offers["w1"].grants <- []jobs.LeaseID{5}
	delete(d.offers, "w1")
	d.mu.Unlock()
	if ids := <-got; !slices.Equal(ids, []jobs.LeaseID{5}) {
		t.Errorf("the offer got %v, want the lease 5", ids)
	}
}

func TestDeskCloseAnswersEverybody(t *testing.T) {
	t.Parallel()
	d := idleDesk()
	answers := make(chan error, 3)
	go func() {
		_, err := d.Offer(context.Background(), "w1", 1)
		answers <- err
	}()
	go func() {
		answers <- d.Report(context.Background(), []jobs.Report{{}})
	}()
	go func() { answers <- d.Confirm(context.Background(), jobs.ConfirmHeld{}) }()
	voter.Until(t, "all wait", func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		return len(d.offers) == 1 && len(d.reports) == 1 && len(d.confirms) == 1
	})
	d.Close()
	d.Close() // twice is no harm
	for range 3 {
		select {
		case err := <-answers:
			if !errors.Is(err, rpc.ErrNoLeader) {
				t.Errorf("got %v, want ErrNoLeader", err)
			}
		case <-time.After(5 * time.Second):
			t.Fatal("somebody still waits")
		}
	}
	if _, err := d.Heartbeat("w1", rpc.Beat{}); !errors.Is(err, rpc.ErrNoLeader) || d.Leading() {
		t.Errorf("a closed desk answers: %v", err)
	}
}

func TestDeskReportsAreNotCancelledByTheTermsEnd(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	d := openDesk(l, false)
	answer := make(chan error, 1)
	go func() { answer <- d.Report(context.Background(), []jobs.Report{{}}) }()
	l.Until("it waits", func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		return len(d.reports) == 1
	})
	term, end := context.WithCancel(t.Context())
	end()
	d.commitReports(term)
	if err := <-answer; !errors.Is(err, rpc.ErrNoLeader) {
		t.Errorf("got %v, want ErrNoLeader: the worker did not cancel it", err)
	}
}

func TestDeskRenewsInPieces(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	l.Admit(jobs.Worker, "w1")
	d := openDesk(l, false)
	l.Submit("j", 1)
	l.Grant(math64, "j", 0, "w1", time.Second)
	for i := range 3*maxRenewals + 1 {
		d.renewals[math64-jobs.LeaseID(i)] = true
	}
	if ids := d.takeRenewals(); ids != nil {
		t.Fatalf("%d renewals right after the term began, want them later", len(ids))
	}
	d.renewed = d.renewed.Add(-jobs.RenewEvery)
	d.commitLeases(t.Context()) // one command would be too long: lab's desk fails on warnings
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
	ids, err := d.Offer(soon(t), "w2", 1)
	if err != nil || len(ids) != 1 {
		t.Errorf("offer after the lease of another ended: %v, %v; want the task", ids, err)
	}
	cancel()
	<-ended
}

// A leader that stood still, or whose clock was put on, has heard of nobody meanwhile.
func TestAStandstillOfTheLeaderCostsNobodyHisLease(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	l.Admit(jobs.Worker, "w1")
	d := openDesk(l, false)
	l.Submit("j", 1)
	l.Grant(1, "j", 0, "w1", 50*time.Millisecond)
	time.Sleep(60 * time.Millisecond)
	d.asOf -= jobs.Time(jobs.Standstill.Milliseconds()) // that long ago it looked last
	d.began = time.Time{}
	d.commitLeases(t.Context())
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
	l.Until("it looks again", func() bool { d.commitLeases(t.Context()); return time.Since(d.swept) < time.Second })
	if !l.Holds(1) {
		t.Error("the grace was taken back")
	}
}

// TestAnOwnerIsNotAskedTwiceBeforeTheOthersAreHeard: right after an election, who is
// quick would be thought to be alone, and be a quorum by himself.
func TestAnOwnerIsNotAskedTwiceBeforeTheOthersAreHeard(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	l.Admit(jobs.Worker, "honest")
	l.Do(jobs.Command{CreateToken: &jobs.CreateToken{Token: "t", Role: jobs.Worker, Uses: 2, Expires: 1 << 50, Owner: "eve"}})
	for _, id := range []jobs.NodeID{"e1", "e2"} {
		l.Do(jobs.Command{Admit: &jobs.AdmitNode{Token: "t", Node: id, Role: jobs.Worker}})
	}
	l.Submit("j", 1, func(c *jobs.SubmitJob) { c.Spec.Trust = jobs.Trust{Replicas: 2, Quorum: 2, MaxAttempts: 5} })
	l.Accept("j", 0, "e1", []byte("a lie"))
	d := openDesk(l, true)
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if ids, err := d.Offer(ctx, "e2", 1); len(ids) > 0 || err != nil {
		t.Fatalf("her second worker got %v, %v before anybody else could be heard", ids, err)
	}
	d.mu.Lock()
	d.began = time.Now().Add(-jobs.LeaseDuration)
	d.mu.Unlock()
	if ids, err := d.Offer(soon(t), "e2", 1); len(ids) != 1 || err != nil {
		t.Errorf("it got %v, %v when nobody else had been heard for long", ids, err)
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
	d.commitLeases(t.Context())
	if !l.Holds(1) {
		t.Error("the new leader took a lease back before its worker could be heard")
	}
}
