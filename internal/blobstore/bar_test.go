package blobstore

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/anthill-grid/anthill/internal/blob"
)

// TestBarredBlobsAreGone, small or large, pinned or not, and do not come back. Nothing of
// them is left on the disk.
func TestBarredBlobsAreGone(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	small := []byte("a secret that is small and has a name of its own")
	large := bytes.Repeat([]byte("a large secret, "), blob.MinPiece/8)
	other := []byte("something else")
	refs, err := s.PutMany([][]byte{small, large, other})
	if err != nil {
		t.Fatal(err)
	}
	s.Pin(refs[0].ID)
	if _, err := s.Path(refs[0].ID); err != nil { // with a copy as a file
		t.Fatal(err)
	}
	bad := map[blob.ID]bool{refs[0].ID: true, refs[1].ID: true}
	if gone, err := s.Bar(func(id blob.ID) bool { return bad[id] }); gone != 2 || err != nil {
		t.Fatalf("%d went, %v", gone, err)
	}
	for _, ref := range refs[:2] {
		if _, err := s.ReadPiece(ref.ID, 0); !errors.Is(err, ErrNotFound) || s.Complete(ref.ID) {
			t.Errorf("a barred blob is there: %v", err)
		}
	}
	if data, err := s.ReadRange(refs[2].ID, 0, -1); err != nil || !bytes.Equal(data, other) {
		t.Errorf("another blob: %v", err)
	}
	third := []byte("one more")
	for _, data := range [][]byte{small, large} {
		if _, err := s.PutMany([][]byte{data, third}); !errors.Is(err, ErrBarred) {
			t.Errorf("stored again: %v", err)
		}
		if _, err := s.Import(bytes.NewReader(data)); !errors.Is(err, ErrBarred) {
			t.Errorf("imported again: %v", err)
		}
		if err := s.Begin(blob.Of(data)); !errors.Is(err, ErrBarred) {
			t.Errorf("begun again: %v", err)
		}
	}
	if !s.Complete(blob.Of(third).ID()) {
		t.Error("what came with a barred blob is lost")
	}
	wantNowhere(t, dir, small[:16], large[:16])
	s.Unpin(refs[0].ID)
	if _, err := s.Bar(nil); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(small); err != nil {
		t.Errorf("after it was let in again: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func wantNowhere(t *testing.T, dir string, secrets ...[]byte) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		for _, secret := range secrets {
			if bytes.Contains(data, secret) {
				t.Errorf("%s still has %q", path, secret)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
