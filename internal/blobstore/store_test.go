package blobstore

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/anthill-grid/anthill/internal/blob"
)

func open(t testing.TB, cfg Config) *Store {
	t.Helper()
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	s, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// content makes n bytes that depend on seed.
func content(seed uint64, n int) []byte {
	data := make([]byte, n)
	src := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16)})
	_, _ = src.Read(data)
	return data
}

func put(t testing.TB, s *Store, data []byte) blob.ID {
	t.Helper()
	ref, err := s.Put(data)
	if err != nil {
		t.Fatal(err)
	}
	return ref.ID
}

// flip changes one byte of a blob on disk.
func flip(t rapid.TB, s *Store, id blob.ID, off int64) {
	t.Helper()
	path, off := s.whereabouts(id, off)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var b [1]byte
	if _, err := f.ReadAt(b[:], off); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 0xff
	if _, err := f.WriteAt(b[:], off); err != nil {
		t.Fatal(err)
	}
}

// whereabouts finds byte off of a blob on disk.
func (s *Store) whereabouts(id blob.ID, off int64) (string, int64) {
	s.mu.Lock()
	e := s.blobs[id]
	s.mu.Unlock()
	if !e.small() {
		return s.path(id, dataExt), off
	}
	path, start := s.packs.Locate(s.place(e))
	return path, start + off
}

var sizes = []int{0, 1, 1000, blob.MinPiece - 1, blob.MinPiece, blob.MinPiece + 1, 3*blob.MinPiece + 17}

func TestPutThenReadBackAlsoAfterReopen(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Config{Dir: dir})
	for _, n := range sizes {
		put(t, s, content(1, n))
	}
	check := func(s *Store, when string) {
		for _, n := range sizes {
			want := content(1, n)
			id := blob.Of(want).ID()
			got, err := s.ReadRange(id, 0, -1)
			if err != nil || !bytes.Equal(got, want) || !s.Complete(id) {
				t.Errorf("%s: %d bytes: got %d, %v, complete %v", when, n, len(got), err, s.Complete(id))
			}
		}
	}
	check(s, "at once")
	check(open(t, Config{Dir: dir}), "without a close")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	check(open(t, Config{Dir: dir}), "after a close")
}

func TestImportGivesTheSameAsPut(t *testing.T) {
	for _, n := range sizes {
		data := content(2, n)
		s := open(t, Config{})
		ref, err := s.Import(io.MultiReader(bytes.NewReader(data[:n/2]), bytes.NewReader(data[n/2:])))
		if err != nil || ref != blob.Of(data).Ref() {
			t.Fatalf("%d bytes: %v, %v", n, ref, err)
		}
		used := s.used
		if again, err := s.Import(bytes.NewReader(data)); err != nil || again != ref || s.used != used {
			t.Errorf("%d bytes again: %v, %v, uses %d then %d", n, again, err, used, s.used)
		}
		other := open(t, Config{})
		put(t, other, data)
		if other.used != used {
			t.Errorf("%d bytes: imported they cost %d, put %d", n, used, other.used)
		}
		if got, err := s.ReadRange(ref.ID, 0, -1); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes: read %d, %v", n, len(got), err)
		}
		if litter, _ := os.ReadDir(s.dir + "/" + tempFolder); len(litter) > 0 {
			t.Errorf("%d bytes: %d temporary files stay", n, len(litter))
		}
	}
}

func TestImportCompletesAPartialBlob(t *testing.T) {
	s, data := open(t, Config{}), content(3, 3*blob.MinPiece)
	m := blob.Of(data)
	if err := errors.Join(s.Begin(m), s.WritePiece(m.ID(), 1, data[blob.MinPiece:2*blob.MinPiece])); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Import(bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	if !s.Complete(m.ID()) {
		t.Error("the blob is not complete")
	}
}

func TestImportPassesOnReadErrors(t *testing.T) {
	s, broken := open(t, Config{}), errors.New("cable cut")
	r := io.MultiReader(bytes.NewReader(content(1, 300_000)), &failing{broken})
	if _, err := s.Import(r); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if s.used != 0 {
		t.Errorf("%d bytes stay charged", s.used)
	}
}

type failing struct{ err error }

func (f *failing) Read([]byte) (int, error) { return 0, f.err }

func TestPartialBlob(t *testing.T) {
	s, data := open(t, Config{}), content(4, 2*blob.MinPiece+5)
	m := blob.Of(data)
	id := m.ID()
	if err := s.WritePiece(id, 0, data[:blob.MinPiece]); !errors.Is(err, ErrNotFound) {
		t.Errorf("write before begin: %v", err)
	}
	if err := errors.Join(s.Begin(m), s.Begin(m)); err != nil {
		t.Fatal(err)
	}
	if err := s.WritePiece(id, 2, data[:5]); !errors.Is(err, blob.ErrInvalid) {
		t.Errorf("wrong piece: %v", err)
	}
	if err := s.WritePiece(id, 2, data[2*blob.MinPiece:]); err != nil {
		t.Fatal(err)
	}
	got, have, err := s.Have(id)
	if err != nil || got.ID() != id || have.Count() != 1 || !have.Has(2) || s.Complete(id) {
		t.Errorf("have %08b of %d bytes, %v", []byte(have), got.Size, err)
	}
	if _, err := s.ReadPiece(id, 0); !errors.Is(err, ErrNotFound) {
		t.Errorf("read what is missing: %v", err)
	}
	if tail, err := s.ReadRange(id, 2*blob.MinPiece+2, 3); err != nil || !bytes.Equal(tail, data[2*blob.MinPiece+2:]) {
		t.Errorf("range that is there: %x, %v", tail, err)
	}
	if _, err := s.ReadRange(id, 2*blob.MinPiece-1, 3); !errors.Is(err, ErrNotFound) {
		t.Errorf("range that is half there: %v", err)
	}
	if _, err := s.Path(id); !errors.Is(err, ErrNotFound) {
		t.Errorf("path of a partial blob: %v", err)
	}
}

func TestReadRange(t *testing.T) {
	s, data := open(t, Config{}), content(5, 3*blob.MinPiece+100)
	id := put(t, s, data)
	size := int64(len(data))
	for _, c := range []struct{ off, n int64 }{
		{0, 0}, {0, 1}, {0, size}, {size, 0}, {size, -1}, {size - 1, -1},
		{blob.MinPiece - 1, 2}, {blob.MinPiece, blob.MinPiece}, {5, 3 * blob.MinPiece}, {7, -1},
	} {
		want := data[c.off:]
		if c.n >= 0 {
			want = want[:c.n]
		}
		if got, err := s.ReadRange(id, c.off, c.n); err != nil || !bytes.Equal(got, want) {
			t.Errorf("[%d,+%d): %d bytes, %v, want %d", c.off, c.n, len(got), err, len(want))
		}
	}
	for _, c := range []struct{ off, n int64 }{{-1, 2}, {size + 1, 0}, {size + 1, -1}, {1, size}, {1, 1<<63 - 1}} {
		if _, err := s.ReadRange(id, c.off, c.n); !errors.Is(err, blob.ErrInvalid) {
			t.Errorf("[%d,+%d): %v", c.off, c.n, err)
		}
	}
}

func TestCorruptPieceIsForgottenAndCanBeWrittenAnew(t *testing.T) {
	for _, n := range []int{1000, 3 * blob.MinPiece} {
		s, data := open(t, Config{}), content(6, n)
		id := put(t, s, data)
		used := s.used
		flip(t, s, id, 10)
		if _, err := s.ReadPiece(id, 0); !errors.Is(err, ErrNotFound) {
			t.Fatalf("%d bytes: read %v", n, err)
		}
		if s.Complete(id) || s.used >= used {
			t.Errorf("%d bytes: complete %v, %d bytes charged after %d", n, s.Complete(id), s.used, used)
		}
		first := data[:min(n, blob.MinPiece)]
		if err := s.WritePiece(id, 0, first); err != nil {
			t.Fatalf("%d bytes: write %v", n, err)
		}
		if got, err := s.ReadRange(id, 0, -1); err != nil || !bytes.Equal(got, data) || s.used != used {
			t.Errorf("%d bytes: read %d, %v; %d charged, want %d", n, len(got), err, s.used, used)
		}
	}
}

func TestPathIsVerifiedOncePerProcess(t *testing.T) {
	for _, n := range []int{0, 1000, 3 * blob.MinPiece} {
		dir := t.TempDir()
		s, data := open(t, Config{Dir: dir}), content(7, n)
		id := put(t, s, data)
		path, err := s.Path(id)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, data) {
			t.Fatalf("%d bytes: file has %d, %v", n, len(got), err)
		}
		if n == 0 {
			continue
		}
		flip(t, s, id, int64(n-1))
		if _, err := open(t, Config{Dir: dir}).Path(id); !errors.Is(err, ErrNotFound) {
			t.Errorf("%d bytes, corrupt: %v", n, err)
		}
	}
}

// Older stores kept each small blob as a file.
func TestBlobsOfOlderStoresMoveIntoPacks(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Config{Dir: dir})
	var ids []blob.ID
	for i := range 200 {
		data := content(uint64(i), i)
		id := blob.Of(data).ID()
		ids = append(ids, id)
		if i == 7 {
			data[0]++
		}
		if err := errors.Join(s.makeFolder(id), os.WriteFile(s.path(id, wholeExt), data, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	put(t, s, content(5, 5)) // one that a crash has left in both places
	s = open(t, Config{Dir: dir})
	for i, id := range ids {
		if got, err := s.ReadRange(id, 0, -1); (err == nil) != (i != 7) || err == nil && !bytes.Equal(got, content(uint64(i), i)) {
			t.Errorf("blob %d: %d bytes, %v", i, len(got), err)
		}
		if _, err := os.Stat(s.path(id, wholeExt)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("file of blob %d: %v", i, err)
		}
	}
	if used, again := s.used, open(t, Config{Dir: dir}); again.used != used || len(again.Recent(999)) != 199 {
		t.Errorf("%d bytes used, %d after reopen by %d blobs", used, again.used, len(again.Recent(999)))
	}
}

func TestManyGoroutines(t *testing.T) {
	s, data := open(t, Config{Quota: 4 << 20, segment: 1000}), content(8, 3*blob.MinPiece)
	m := blob.Of(data)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 30 {
				small := content(uint64(i), 100+i)
				ref, err := s.Put(small)
				if err != nil {
					t.Error(err)
				}
				if got, err := s.ReadRange(ref.ID, 0, -1); err == nil && !bytes.Equal(got, small) {
					t.Error("wrong bytes")
				}
				if err := s.Begin(m); err != nil {
					t.Error(err)
				}
				piece := (g + i) % 3
				err = s.WritePiece(m.ID(), piece, data[piece*blob.MinPiece:(piece+1)*blob.MinPiece])
				if err != nil && !errors.Is(err, ErrNotFound) {
					t.Error(err)
				}
				if i%7 == g%7 {
					if err := errors.Join(s.Delete(m.ID()), deleteIfFree(s, ref.ID)); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	var charged int64
	for _, e := range s.blobs {
		charged += e.charged
	}
	if charged != s.used {
		t.Errorf("%d bytes are charged, the blobs cost %d", s.used, charged)
	}
}

// deleteIfFree tolerates that another goroutine is just putting the blob.
func deleteIfFree(s *Store, id blob.ID) error {
	if err := s.Delete(id); !errors.Is(err, ErrPinned) {
		return err
	}
	return nil
}

func BenchmarkWritePiece(b *testing.B) {
	s, data := open(b, Config{}), content(1, 64*blob.MinPiece)
	m := blob.Of(data)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if err := errors.Join(s.Delete(m.ID()), s.Begin(m)); err != nil {
			b.Fatal(err)
		}
		for i := range m.Pieces {
			if err := s.WritePiece(m.ID(), i, data[m.PieceOffset(i):][:m.PieceLen(i)]); err != nil {
				b.Fatal(err)
			}
		}
	}
}
