package keeper

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/internal/lab/voter"
	"github.com/anthill-grid/anthill/jobs"
)

// rot changes data wherever a store has it on disk.
func rot(t testing.TB, store *blobstore.Store, data []byte) {
	t.Helper()
	found := false
	err := filepath.WalkDir(store.Dir(), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		at := bytes.Index(text, data)
		if err != nil || at < 0 {
			return err
		}
		found = true
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = f.WriteAt([]byte("rot"), int64(at))
		return err
	})
	if err != nil || !found {
		t.Fatalf("rot: found %v, %v", found, err)
	}
}

// running runs a keeper until the test ends.
func (k *keeping) running() {
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { k.Run(ctx) })
	k.lab.Cleanup(func() {
		cancel()
		done.Wait()
	})
}

// TestCopiesThatRotDoNotCount: not before they are fetched again.
func TestCopiesThatRotDoNotCount(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	k := newKeeping(l, openStore(t, t.TempDir()))
	peer := k.peer("submitter")
	data := bytes.Repeat([]byte("dataset "), 1<<16)
	dataset := put(t, peer, data)
	put(t, peer, voter.Bundle)
	l.Do(jobs.Command{Keep: &jobs.KeepBlob{Blob: dataset, By: "op", Provider: k.workers[0].Address, Room: 1 << 30}})
	l.Submit("j", 1, func(c *jobs.SubmitJob) { c.Provider = k.workers[0].Address })
	copies := func() (ofDataset, ofInput int) {
		l.View(func(s *jobs.State) { ofDataset, ofInput = s.Datasets[dataset.ID].Copies(), s.Jobs["j"].InputCopies() })
		return ofDataset, ofInput
	}
	k.running()
	l.Until("both are held", func() bool { d, i := copies(); return d == 1 && i == 1 })
	for _, id := range []blob.ID{dataset.ID, blob.Of(voter.Bundle).ID()} {
		if err := peer.Delete(id); err != nil {
			t.Fatal(err)
		}
	}
	rot(t, k.cfg.Store, data)
	rot(t, k.cfg.Store, voter.Bundle)
	l.Until("neither counts", func() bool { d, i := copies(); return d == 0 && i == 0 })
	put(t, peer, data)
	put(t, peer, voter.Bundle)
	l.Until("both are held again", func() bool { d, i := copies(); return d == 1 && i == 1 })
	if got, err := k.cfg.Store.ReadRange(dataset.ID, 0, -1); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// TestALostDiskIsToldOf however many datasets were on it: a command has its bound.
func TestALostDiskIsToldOf(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	k := newKeeping(l, openStore(t, t.TempDir()))
	const many = 5 * maxLostCharges
	l.View(func(s *jobs.State) { // as if they had been put, copied and confirmed
		for i := range many {
			ref := blob.Of(fmt.Append(nil, i)).Ref()
			s.Datasets[ref.ID] = &jobs.Dataset{Size: ref.Size, Known: true, Holders: 1}
			k.taken[charge{dataset: ref.ID}] = &holding{blobs: []blob.Ref{ref}}
		}
	})
	for range 5 {
		k.tellLost(t.Context(), k.lostCharges())
	}
	held := 0
	l.View(func(s *jobs.State) {
		for _, b := range s.Datasets {
			held += b.Copies()
		}
	})
	if held != 0 {
		t.Errorf("of %d datasets that are gone, %d count as held", many, held)
	}
}

// TestRottenResultsAreFetchedAgain has a job that is finished and one that runs.
func TestRottenResultsAreFetchedAgain(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	l.Admit(jobs.Worker, "w1")
	l.Admit(jobs.Coordinator, "c2")
	k := newKeeping(l, openStore(t, t.TempDir()))
	w1, c2 := k.peer("w1"), k.peer("c2")
	small, large := []byte("a small result"), bytes.Repeat([]byte("a large result "), 40_000)
	for _, id := range []jobs.JobID{"over", "running"} {
		l.Submit(id, 2)
		l.Accept(id, 0, "w1", small)
		l.Accept(id, 1, "w1", large)
	}
	put(t, w1, small)
	put(t, w1, large)
	k.running()
	held := func(id jobs.JobID) (n int) {
		l.View(func(s *jobs.State) {
			for place := range jobs.Place(2) {
				if s.Holds(s.Jobs[id], place, "c1") {
					n++
				}
			}
		})
		return n
	}
	l.Until("all are held", func() bool { return held("over")+held("running") == 4 })
	l.Do(jobs.Command{Confirm: &jobs.ConfirmHeld{Coordinator: "c2", Results: []jobs.HeldResults{{Job: "over", Sequences: []jobs.Sequence{0, 1}}}}})
	for _, data := range [][]byte{small, large} {
		if err := w1.Delete(blob.Of(data).ID()); err != nil {
			t.Fatal(err)
		}
		rot(t, k.cfg.Store, data)
	}
	l.Until("none counts", func() bool { return held("over")+held("running") == 0 })
	put(t, c2, small)
	put(t, c2, large)
	l.Until("all are held again", func() bool { return held("over")+held("running") == 4 })
	if l.JobState("over") != jobs.JobSucceeded || l.JobState("running") != jobs.JobRunning {
		t.Error("one is over, the other lacks copies on a second coordinator")
	}
	for _, data := range [][]byte{small, large} {
		if got, err := k.cfg.Store.ReadRange(blob.Of(data).ID(), 0, -1); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	}
}

func TestReaderStopsWhereABlobIsDropped(t *testing.T) {
	store := openStore(t, t.TempDir())
	ref := put(t, store, bytes.Repeat([]byte("dataset "), 1<<17)) // four pieces
	for _, want := range []int{4, 2} {
		r, asked := &reader{store: store}, 0
		if !r.intact(t.Context(), ref.ID, func(blob.ID) bool { asked++; return asked <= want }) || r.pieces != want {
			t.Errorf("%d pieces were read, want %d", r.pieces, want)
		}
	}
	r := &reader{store: store}
	if r.intact(t.Context(), blob.ID{1}, func(blob.ID) bool { return true }) {
		t.Error("what is not there is intact")
	}
	if r.pieces != 1 {
		t.Error("a lost disk is told of without a pause")
	}
}
