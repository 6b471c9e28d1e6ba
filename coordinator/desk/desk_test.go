package desk

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/lab/voter"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/jobs"
)

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

// complaints makes warnings errors of the test, except that of the term's end.
type complaints struct{ testing.TB }

func (c complaints) Write(p []byte) (int, error) {
	if !strings.Contains(string(p), ErrNoLeader.Error()) {
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
	offered, err := d.Offer(soon(t), "w1", 2, jobs.Metering)
	if err != nil || len(offered) != 2 {
		t.Fatalf("offer: %v, %v; want 2 leases", offered, err)
	}
	leases := []jobs.LeaseID{offered[0].ID, offered[1].ID}
	for _, lease := range offered {
		if lease.Job != "j" || lease.Spec.Name != "j" || !slices.Equal(lease.Providers, []swarm.Provider{{Address: "127.0.0.1:1", Role: jobs.Coordinator, Node: "c1"}}) {
			t.Errorf("lease %+v", lease)
		}
	}
	if offered[0].Task == offered[1].Task {
		t.Errorf("task %d twice", offered[0].Task)
	}
	void, err := d.Heartbeat("w1", Beat{Leases: append(slices.Clone(leases), 7), Slots: 2, Paused: true, Address: "h:1"})
	if err != nil || !slices.Equal(void, []jobs.LeaseID{7}) {
		t.Errorf("void leases %v, %v; want only 7", void, err)
	}
	if void, _ := d.Heartbeat("w2", Beat{Leases: leases}); len(void) != 2 {
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
	_, _ = d.Heartbeat("w2", Beat{Fuel: map[jobs.LeaseID]uint64{leases[0]: 9}})
	_, _ = d.Heartbeat("w1", Beat{Leases: leases, Slots: 2, Paused: true, Fuel: map[jobs.LeaseID]uint64{leases[1]: 5, 7: 1}})
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
		if _, err := d.Heartbeat("w1", Beat{Leases: leases, Slots: 2, Paused: pausing}); err != nil {
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

func TestDeskCloseAnswersEverybody(t *testing.T) {
	t.Parallel()
	d := idleDesk()
	answers := make(chan error, 3)
	go func() {
		_, err := d.Offer(context.Background(), "w1", 1, jobs.Metering)
		answers <- err
	}()
	go func() {
		answers <- d.Report(context.Background(), []jobs.Report{{}})
	}()
	go func() { answers <- d.Confirm(context.Background(), jobs.ConfirmHeld{}) }()
	voter.Until(t, "all wait", func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		return len(d.offers) == 1 && len(d.reports.list) == 1 && len(d.confirms.list) == 1
	})
	d.Close()
	d.Close() // twice is no harm
	for range 3 {
		select {
		case err := <-answers:
			if !errors.Is(err, ErrNoLeader) {
				t.Errorf("got %v, want ErrNoLeader", err)
			}
		case <-time.After(5 * time.Second):
			t.Fatal("somebody still waits")
		}
	}
	if _, err := d.Heartbeat("w1", Beat{}); !errors.Is(err, ErrNoLeader) || d.Leading() {
		t.Errorf("a closed desk answers: %v", err)
	}
}
