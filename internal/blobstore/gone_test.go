package blobstore

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/anthill-grid/anthill/internal/blob"
)

// TestFilesThatAreGoneAreMadeAnew: a piece that cannot be read because its file was
// removed takes all pieces of the blob with it, and they can be written again.
func TestFilesThatAreGoneAreMadeAnew(t *testing.T) {
	for name, remove := range map[string]func(s *Store, id blob.ID) error{
		"data": func(s *Store, id blob.ID) error { return os.Remove(s.path(id, dataExt)) },
		"both": func(s *Store, id blob.ID) error {
			return errors.Join(os.Remove(s.path(id, dataExt)), os.Remove(s.path(id, haveExt)))
		},
		"folder": func(s *Store, id blob.ID) error { return os.RemoveAll(filepath.Dir(s.path(id, dataExt))) },
	} {
		s := open(t, Config{})
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
		for i := range m.Pieces {
			if err := s.WritePiece(id, i, data[m.PieceOffset(i):][:m.PieceLen(i)]); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if err := s.Sync(id); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got, err := s.ReadRange(id, 0, -1); err != nil || !bytes.Equal(got, data) || s.used != used {
			t.Errorf("%s: %d bytes, %v; %d bytes of quota, before %d", name, len(got), err, s.used, used)
		}
	}
}
