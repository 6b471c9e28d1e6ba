package keeper

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/voter"
	"github.com/anthill-grid/anthill/jobs"
)

func TestTurnsAreThoseOfOwners(t *testing.T) {
	t.Parallel()
	s := newTurns()
	take := func(owners ...jobs.OwnerID) (jobs.OwnerID, error) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		return s.take(ctx, nil, func() []jobs.OwnerID { return owners })
	}
	for range turnsPerOwner {
		if owner, err := take("sue"); owner != "sue" || err != nil {
			t.Fatalf("%q, %v", owner, err)
		}
	}
	if _, err := take("sue"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("one more than there are: %v", err)
	}
	if owner, err := take("sue", "tom"); owner != "tom" || err != nil {
		t.Errorf("another wants it too: %q, %v", owner, err)
	}
	s.release("tom")
	s.release("sue")
	if owner, err := take("sue", "tom"); owner != "sue" || err != nil {
		t.Errorf("one is free again: %q, %v", owner, err)
	}
	for range turnsPerOwner {
		s.release("sue")
	}
	if len(s.busy) != 0 {
		t.Errorf("it remembers %v", s.busy)
	}
}

// TestTurnsAreWaitedFor: for one that is freed, and for an owner who comes later.
func TestTurnsAreWaitedFor(t *testing.T) {
	t.Parallel()
	s := newTurns()
	owners := make(chan []jobs.OwnerID, 2)
	again, taken := make(chan struct{}), make(chan jobs.OwnerID)
	take := func() {
		owner, err := s.take(t.Context(), again, func() []jobs.OwnerID { return <-owners })
		if err != nil {
			t.Error(err)
		}
		taken <- owner
	}
	for range turnsPerOwner {
		owners <- []jobs.OwnerID{"sue"}
		go take()
		<-taken
	}
	owners <- []jobs.OwnerID{"sue"}
	go take()
	owners <- []jobs.OwnerID{"sue", "tom"}
	again <- struct{}{}
	if owner := <-taken; owner != "tom" {
		t.Errorf("got a turn of %q", owner)
	}
	owners <- []jobs.OwnerID{"sue"}
	go take()
	select {
	case <-taken:
		t.Error("it did not wait")
	case <-time.After(20 * time.Millisecond):
	}
	s.release("sue")
	if owner := <-taken; owner != "sue" {
		t.Errorf("got a turn of %q", owner)
	}
}

// TestDatasetsWaitForATurn has sue's turns taken by what nobody serves.
func TestDatasetsWaitForATurn(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	l.Admit(jobs.Submitter, "sue", "tom")
	k := newKeeping(l, openStore(t, t.TempDir()))
	k.cfg.Leads = func() bool { return true } // and asks for proofs
	for range turnsPerOwner {
		k.turns.try([]jobs.OwnerID{"sue"})
	}
	stop := k.keepInBackground()
	defer stop()
	data := put(t, k.peer("submitter"), []byte("dataset"))
	for _, by := range []jobs.NodeID{"sue", "tom"} {
		time.Sleep(2 * datasetsEvery)
		if k.cfg.Store.Complete(data.ID) {
			t.Fatal("sue got more than she may")
		}
		l.Do(jobs.Command{Keep: &jobs.KeepBlob{Blob: data, By: by, Provider: k.workers[0].Address, Room: 1 << 30}})
	}
	l.Until("it is here for tom", func() bool { return k.cfg.Store.Complete(data.ID) })
}

// keepInBackground runs the keeper until the function is called that it returns.
func (k *keeping) keepInBackground() (stop func()) {
	ctx, cancel := context.WithCancel(k.lab.Context())
	ended := make(chan struct{})
	go func() {
		k.Run(ctx)
		close(ended)
	}()
	return func() {
		cancel()
		<-ended
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	var got []time.Duration
	for pause := time.Duration(0); len(got) < 7; got = append(got, pause) {
		pause = retryAfter(errors.New("nobody has it"), pause)
	}
	ms := time.Millisecond
	if want := []time.Duration{500 * ms, 1000 * ms, 2000 * ms, 4000 * ms, 8000 * ms, 15_000 * ms, 15_000 * ms}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
