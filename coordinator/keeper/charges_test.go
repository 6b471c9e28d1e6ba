package keeper

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/internal/lab/voter"
	"github.com/anthill-grid/anthill/jobs"
)

func TestKeeperKeepsInputsWhileTheJobRuns(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	k := newKeeping(l, openStore(t, t.TempDir()))
	put(t, k.peer("submitter"), voter.Bundle)
	l.Submit("j", 1, func(c *jobs.SubmitJob) { c.Provider = k.workers[0].Address })
	l.Submit("twin", 1)
	var copies sync.WaitGroup
	k.keepInputs(t.Context(), &copies)
	k.keepInputs(t.Context(), &copies) // takes nothing twice
	l.Until("the inputs of both are confirmed", func() (yes bool) {
		l.View(func(s *jobs.State) { yes = s.Jobs["j"].InputCopies() == 1 && s.Jobs["twin"].InputCopies() == 1 })
		return yes
	})
	l.Do(jobs.Command{Cancel: &jobs.CancelJob{Job: "j", By: "op"}})
	k.keepInputs(t.Context(), &copies)
	if err := k.cfg.Store.Delete(blob.Of(voter.Bundle).ID()); !errors.Is(err, blobstore.ErrPinned) {
		t.Errorf("the bundle is let go while another job needs it: %v", err)
	}
	l.Do(jobs.Command{Cancel: &jobs.CancelJob{Job: "twin", By: "op"}})
	k.keepInputs(t.Context(), &copies)
	if len(k.taken) != 0 {
		t.Error("the blobs of finished jobs are held")
	}
	copies.Wait()
}

func TestKeeperHoldsDatasetsUntilTheyAreDropped(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	k := newKeeping(l, openStore(t, t.TempDir()))
	data := blob.Of([]byte("dataset")).Ref()
	keep := jobs.Command{Keep: &jobs.KeepBlob{Blob: data, By: "op", Provider: "127.0.0.1:1", Room: 1 << 30}} // where nobody is
	l.Do(keep)
	var copies sync.WaitGroup
	k.keepInputs(t.Context(), &copies)
	put(t, k.peer("submitter"), []byte("dataset"))
	keep.Keep.Provider = k.workers[0].Address // put again from elsewhere
	l.Do(keep)
	k.keepInputs(t.Context(), &copies)
	held := func() (n int) {
		l.View(func(s *jobs.State) { n = s.Datasets[data.ID].Copies() })
		return n
	}
	l.Until("it is confirmed", func() bool { return held() == 1 })
	if err := k.cfg.Store.Delete(data.ID); !errors.Is(err, blobstore.ErrPinned) {
		t.Errorf("it may be evicted: %v", err)
	}
	l.Do(jobs.Command{Drop: &jobs.DropBlob{Blob: data.ID, By: "op"}})
	k.keepInputs(t.Context(), &copies)
	copies.Wait()
	if err := k.cfg.Store.Delete(data.ID); err != nil {
		t.Errorf("it is held after it was dropped: %v", err)
	}
}

// TestKeeperAsksAllWhoClaimADataset: the last of them may be gone.
func TestKeeperAsksAllWhoClaimADataset(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	l.Admit(jobs.Submitter, "first", "second", "third")
	k := newKeeping(l, openStore(t, t.TempDir()))
	k.cfg.Leads = func() bool { return true } // and asks for proofs
	data := put(t, k.peer("submitter"), []byte("dataset"))
	for i, by := range []jobs.NodeID{"first", "second", "third"} {
		at := []string{"127.0.0.1:1", k.workers[0].Address, "127.0.0.1:2"}[i]
		l.Do(jobs.Command{Keep: &jobs.KeepBlob{Blob: data, By: by, Provider: at, Room: 1 << 30}})
	}
	ctx, cancel := context.WithCancel(t.Context())
	var copies sync.WaitGroup
	defer copies.Wait()
	defer cancel()
	k.keepInputs(ctx, &copies)
	l.Until("it is here", func() bool { return k.cfg.Store.Complete(data.ID) })
}

func TestKeeperGivesUpInputsWithTheJob(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	k := newKeeping(l, openStore(t, t.TempDir()))
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and never says a word
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	l.Submit("j", 1, func(c *jobs.SubmitJob) { c.Provider = silent.Addr().String() })
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		k.Run(ctx)
		close(ended)
	}()
	waits := func() int {
		k.mu.Lock()
		defer k.mu.Unlock()
		return len(k.taken)
	}
	l.Until("it copies", func() bool { return waits() == 1 })
	l.Do(jobs.Command{Cancel: &jobs.CancelJob{Job: "j", By: "op"}})
	l.Until("it lets go", func() bool { return waits() == 0 })
	cancel()
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Fatal("the keeper does not end")
	}
	if n := k.confirms.Load(); n != 0 {
		t.Errorf("%d confirmations of what it does not have", n)
	}
}

// What tasks read in words is kept for those who read their results: the input itself
// may go with the end of the job.
func TestKeeperKeepsTheLabelsOfFinishedJobs(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	dir := t.TempDir()
	store := openStore(t, dir)
	put(t, store, voter.Bundle)
	input, labels := put(t, store, []byte("the input")), put(t, store, []byte("labels"))
	l.Submit("j", 1, func(c *jobs.SubmitJob) {
		c.Spec.Input = jobs.Input{Blob: &jobs.BlobInput{Blob: input, ShardSize: 3, Labels: &labels}}
	})
	l.Do(jobs.Command{Cancel: &jobs.CancelJob{Job: "j", By: "op"}})
	for _, start := range []string{"at once", "after a restart"} {
		k := newKeeping(l, store)
		var copies sync.WaitGroup
		k.keepInputs(t.Context(), &copies)
		k.keepInputs(t.Context(), &copies)
		if err := store.Delete(labels.ID); !errors.Is(err, blobstore.ErrPinned) {
			t.Errorf("%s: the labels may be evicted: %v", start, err)
		}
		if start == "at once" {
			store.Close()
			store = openStore(t, dir)
		}
	}
	if err := store.Delete(input.ID); err != nil {
		t.Errorf("the input is kept: %v", err)
	}
}
