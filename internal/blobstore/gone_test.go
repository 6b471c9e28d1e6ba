package blobstore

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/anthill-grid/anthill/internal/blob"
)

// removals are the ways in which a blob's data may be removed.
var removals = map[string]func(s *Store, id blob.ID) error{
	"data": func(s *Store, id blob.ID) error { return os.Remove(s.path(id, dataExt)) },
	"both": func(s *Store, id blob.ID) error {
		return errors.Join(os.Remove(s.path(id, dataExt)), os.Remove(s.path(id, haveExt)))
	},
	"folder": func(s *Store, id blob.ID) error { return os.RemoveAll(filepath.Dir(s.path(id, dataExt))) },
}

// TestFilesThatAreGoneAreMadeAnew: a piece that cannot be read because its file was
// removed takes all pieces of the blob with it, and they can be written again, to stay.
func TestFilesThatAreGoneAreMadeAnew(t *testing.T) {
	for name, remove := range removals {
		dir := t.TempDir()
		s := open(t, Config{Dir: dir})
		data := content(1, 3*blob.MinPiece)
		id := put(t, s, data)
		if err := remove(s, id); err != nil {
			t.Fatal(err)
		}
		used := s.used
		if _, err := s.ReadPiece(id, 1); !errors.Is(err, ErrNotFound) {
			t.Fatalf("%s: got %v", name, err)
		}
		m, have, err := s.Have(id)
		if err != nil || have.Has(0) || have.Has(2) {
			t.Errorf("%s: %v, pieces %b are there", name, err, have)
		}
		s = bringAgain(t, s, dir, m, data)
		if got, err := s.ReadRange(id, 0, -1); err != nil || !bytes.Equal(got, data) || s.used != used {
			t.Errorf("%s: %d bytes, %v; %d bytes of quota, before %d", name, len(got), err, s.used, used)
		}
	}
}

// TestFilesThatAreGoneBeforeAPieceCame: with one piece, which goes too, or with none.
func TestFilesThatAreGoneBeforeAPieceCame(t *testing.T) {
	for name, remove := range removals {
		for first := range 2 {
			dir := t.TempDir()
			s := open(t, Config{Dir: dir})
			data := content(1, 3*blob.MinPiece)
			m := blob.Of(data)
			if err := s.Begin(m); err != nil {
				t.Fatal(err)
			}
			for i := range first {
				write(t, s, m, data, i)
			}
			if err := remove(s, m.ID()); err != nil {
				t.Fatal(err)
			}
			write(t, s, m, data, 1)
			if _, have, err := s.Have(m.ID()); err != nil || have.Has(0) || !have.Has(1) {
				t.Errorf("%s: %v, pieces %b are there", name, err, have)
			}
			s = bringAgain(t, s, dir, m, data)
			if got, err := s.ReadRange(m.ID(), 0, -1); err != nil || !bytes.Equal(got, data) {
				t.Errorf("%s: %d bytes, %v", name, len(got), err)
			}
		}
	}
}

func write(t *testing.T, s *Store, m blob.Manifest, data []byte, i int) {
	t.Helper()
	if err := s.WritePiece(m.ID(), i, data[m.PieceOffset(i):][:m.PieceLen(i)]); err != nil {
		t.Fatal(err)
	}
}

// bringAgain writes all pieces, and opens the store again.
func bringAgain(t *testing.T, s *Store, dir string, m blob.Manifest, data []byte) *Store {
	t.Helper()
	for i := range m.Pieces {
		write(t, s, m, data, i)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return open(t, Config{Dir: dir})
}
