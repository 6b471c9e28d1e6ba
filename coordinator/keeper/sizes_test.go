package keeper

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/lab/voter"
	"github.com/anthill-grid/anthill/jobs"
)

// TestKeeperFindsOutWrongSizes has a dataset and a job of which less is said than
// there is.
func TestKeeperFindsOutWrongSizes(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	l.Admit(jobs.Submitter, "liar")
	k := newKeeping(l, openStore(t, t.TempDir()))
	k.cfg.Leads = func() bool { return true } // and asks for proofs
	data := bytes.Repeat([]byte("dataset "), 1<<16)
	ref, small := blob.Of(data).Ref(), blob.Ref{ID: blob.Of(data).ID(), Size: 1000}
	put(t, k.peer("submitter"), data)
	at := k.workers[0].Address
	l.Do(jobs.Command{Keep: &jobs.KeepBlob{Blob: small, By: "liar", Provider: at, Room: 1 << 30}})
	put(t, k.cfg.Store, voter.Bundle)
	l.Submit("j", 1, func(c *jobs.SubmitJob) {
		c.Provider, c.Spec.Data = at, []jobs.DataFile{{Name: "d", Blob: small}}
	})
	ctx, cancel := context.WithCancel(t.Context())
	var copies sync.WaitGroup
	defer copies.Wait()
	defer cancel()
	k.keepInputs(ctx, &copies)
	l.Until("the job fails", func() bool { return l.JobState("j") == jobs.JobFailed })
	l.View(func(s *jobs.State) {
		if want := "it has 524288 bytes, and the job says 1000"; !strings.Contains(s.Jobs["j"].Reason, want) {
			t.Errorf("it failed because %q, want %q", s.Jobs["j"].Reason, want)
		}
	})
	l.Until("the claim goes", func() (gone bool) {
		l.View(func(s *jobs.State) { gone = s.Datasets[ref.ID] == nil })
		return gone
	})
	l.Do(jobs.Command{Keep: &jobs.KeepBlob{Blob: ref, By: "op", Provider: at, Room: 1 << 30}})
	k.keepInputs(ctx, &copies)
	l.Until("the honest claim is confirmed", func() (held bool) {
		l.View(func(s *jobs.State) { held = s.Datasets[ref.ID].Copies() == 1 })
		return held
	})
}
