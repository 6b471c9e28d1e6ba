package keeper

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/internal/lab/handmade"
	"github.com/anthill-grid/anthill/internal/lab/voter"
	"github.com/anthill-grid/anthill/jobs"
)

// TestPutAgainIsHeardAtOnce has a disk that was full: the keeper would not look
// again for a quarter of a minute, longer than this test waits.
func TestPutAgainIsHeardAtOnce(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	store, err := blobstore.Open(blobstore.Config{Dir: t.TempDir(), Quota: 100_000})
	if err != nil {
		t.Fatal(err)
	}
	k := newKeeping(l, store)
	var log bytes.Buffer
	k.cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	full := put(t, store, make([]byte, 90_000))
	store.Pin(full.ID)
	data := put(t, k.peer("submitter"), bytes.Repeat([]byte("dataset "), 5000))
	stop := k.keepInBackground()
	claim := jobs.Command{Keep: &jobs.KeepBlob{Blob: data, By: "op", Provider: k.workers[0].Address, Room: 1 << 30}}
	l.Do(claim)
	l.Until("it complains", func() bool {
		k.mu.Lock()
		defer k.mu.Unlock()
		return !k.loud.IsZero()
	})
	store.Unpin(full.ID)
	l.Do(claim)
	l.Until("it is here", func() bool { return store.Complete(data.ID) })
	stop()
	if n := strings.Count(log.String(), "level=ERROR"); n != 1 {
		t.Errorf("%d complaints:\n%s", n, log.String())
	}
}

func TestComplaintsAreFew(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	k := &Keeper{cfg: Config{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}}
	expect := func(errs, debugs int) {
		t.Helper()
		if e, d := strings.Count(log.String(), "level=ERROR"), strings.Count(log.String(), "level=DEBUG"); e != errs || d != debugs {
			t.Errorf("%d errors and %d debug lines, want %d and %d:\n%s", e, d, errs, debugs, log.String())
		}
	}
	k.failed("copy input", errors.New("not served yet"), false, "blob", blob.ID{1}.Short())
	expect(0, 1)
	k.failed("copy input", errors.New("nobody has it"), true, "blob", blob.ID{2}.Short())
	k.failed("copy input", errors.New("nobody has it"), true, "blob", blob.ID{3}.Short())
	if k.Full() {
		t.Error("a disk is full that has taken all")
	}
	k.failed("copy input", blobstore.ErrFull, false, "blob", blob.ID{4}.Short())
	if !k.Full() {
		t.Error("a disk is not full that takes no more")
	}
	expect(1, 3)
}

// TestInputsAreNotConfirmedInAHotLoop while there is no leader to tell of them.
func TestInputsAreNotConfirmedInAHotLoop(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	k := newKeeping(l, openStore(t, t.TempDir()))
	put(t, k.cfg.Store, voter.Bundle)
	const many = 1000
	k.failing.Store(many)
	l.Submit("j", 1)
	stop := k.keepInBackground()
	time.Sleep(3 * time.Second) // tries after 0, 0.5 and 1.5 s, and the next at 3.5 s
	if tries := many - k.failing.Load(); tries < 1 || tries > 4 {
		t.Errorf("%d tries in three seconds", tries)
	}
	k.failing.Store(0)
	l.Until("it is confirmed", func() (yes bool) {
		l.View(func(s *jobs.State) { yes = s.Jobs["j"].InputCopies() == 1 })
		return yes
	})
	stop()
}

// TestKeeperRefusesBundles has submitters who did not screen what they sent.
func TestKeeperRefusesBundles(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	k := newKeeping(l, openStore(t, t.TempDir()))
	foreign := handmade.Spec{Pages: 1, Imports: []handmade.Import{{Module: "env", Name: "js_log"}}}.Encode()
	untyped := handmade.Spec{Pages: 1, Code: []byte{0x6a}}.Encode() // i32.add of nothing
	refs := []blob.Ref{put(t, k.cfg.Store, []byte("no module")), put(t, k.cfg.Store, foreign), put(t, k.cfg.Store, voter.Bundle), put(t, k.cfg.Store, untyped)}
	for i, id := range []jobs.JobID{"text", "refuse", "trap", "small", "untyped"} {
		l.Submit(id, 1, func(c *jobs.SubmitJob) {
			c.Spec.Bundle = refs[[]int{0, 1, 1, 2, 3}[i]]
			if id == "trap" {
				c.Spec.UnknownImports = jobs.TrapUnknown
			}
		})
	}
	var copies sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	defer copies.Wait()
	defer cancel()
	k.keepInputs(ctx, &copies)
	l.Until("all have been looked at", func() (yes bool) {
		l.View(func(s *jobs.State) {
			yes = true
			for _, j := range s.Jobs {
				yes = yes && (j.InputCopies() == 1 || j.State != jobs.JobRunning)
			}
		})
		return yes
	})
	for id, want := range map[jobs.JobID]string{
		"text": "bundle: not a WebAssembly module", "refuse": `bundle: module imports "env"."js_log"`, "trap": "", "small": "",
		"untyped": "bundle: module is not valid: its own function 0, opcode 0x6a",
	} {
		l.View(func(s *jobs.State) {
			j := s.Jobs[id]
			if failed := j.State == jobs.JobFailed; failed != (want != "") || !strings.HasPrefix(j.Reason, want) {
				t.Errorf("%s is %v because %q, want %q", id, j.State, j.Reason, want)
			}
		})
	}
}
