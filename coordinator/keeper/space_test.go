package keeper

import (
	"errors"
	"strings"
	"testing"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/internal/lab/voter"
	"github.com/anthill-grid/anthill/jobs"
)

// TestSpace has a disk of 80,000 bytes, of which 10,000 stay for results.
func TestSpace(t *testing.T) {
	t.Parallel()
	store, err := blobstore.Open(blobstore.Config{Dir: t.TempDir(), Quota: 80_000})
	if err != nil {
		t.Fatal(err)
	}
	l := voter.New(t)
	k := newKeeping(l, store)
	here := put(t, store, make([]byte, 20_000))
	store.Pin(here.ID)
	check := func(when string, size int64, fits bool) {
		t.Helper()
		err := k.Fits([]blob.Ref{here, {ID: blob.ID{1}, Size: size}})
		if (err == nil) != fits || err != nil && !errors.Is(err, blobstore.ErrFull) {
			t.Errorf("%s: %d bytes: %v", when, size, err)
		}
	}
	check("empty", 49_000, true) // a blob costs a little more than its bytes
	check("no room for results", 50_001, false)
	l.Do(jobs.Command{Keep: &jobs.KeepBlob{Blob: blob.Ref{ID: blob.ID{2}, Size: 20_000}, By: "op", Room: k.DatasetSpace()}})
	check("a dataset is to come", 29_000, true)
	check("a dataset is to come", 31_000, false)
	l.Submit("j", 1, func(c *jobs.SubmitJob) {
		c.Spec.Data = []jobs.DataFile{{Name: "d", Blob: blob.Ref{ID: blob.ID{3}, Size: 20_000}}, {Name: "e", Blob: blob.Ref{ID: blob.ID{2}, Size: 20_000}}}
	})
	check("an owner's jobs too", 19_000, true) // by a share of 10,000
	check("an owner's jobs too", 21_000, false)
	l.Submit("more", 1, func(c *jobs.SubmitJob) {
		c.Spec.Data = []jobs.DataFile{{Name: "d", Blob: blob.Ref{ID: blob.ID{4}, Size: 1 << 40}}}
	})
	check("no more by more jobs", 19_000, true)
	l.Admit(jobs.Submitter, "sue")
	l.Submit("small", 1, func(c *jobs.SubmitJob) {
		c.Submitter = "sue"
		c.Spec.Data = []jobs.DataFile{{Name: "d", Blob: blob.Ref{ID: blob.ID{5}, Size: 5_000}}}
	})
	check("and another's", 14_000, true)
	check("and another's", 16_000, false)
	err = k.Fits([]blob.Ref{{ID: blob.ID{1}, Size: 40_000}})
	for _, want := range []string{"of the quota of 78.1 KiB, 19.6 KiB are in use", "43.9 KiB reserved for what is to come", "39.1 KiB do not fit"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if err := k.Fits([]blob.Ref{here}); err != nil {
		t.Errorf("what is here already: %v", err)
	}
	if n := k.DatasetSpace(); n != 40_000 {
		t.Errorf("%d bytes are for datasets", n)
	}
}
