package blobstore

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/anthill-grid/anthill/internal/blob"
)

const crashDirEnv = "BLOBSTORE_TEST_CRASH_DIR"

// TestMain turns into the process that is to be killed, if it is told a place.
func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDirEnv); dir != "" {
		fmt.Fprintln(os.Stderr, writeUntilKilled(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

const crashPieces = 40

func crashBlob() []byte { return content(99, crashPieces*blob.MinPiece) }

// crashBatch are small blobs, of which the first half is deleted again.
func crashBatch(i int) [][]byte {
	var batch [][]byte
	for k := range 20 {
		batch = append(batch, content(uint64(1000+20*i+k), 400))
	}
	return batch
}

// writeUntilKilled writes all pieces but the last, and small blobs, telling
// after each piece, and then imports for ever. Packs are so short that they are
// compacted all the time.
func writeUntilKilled(dir string) error {
	s, err := Open(Config{Dir: dir, segment: 3000})
	if err != nil {
		return err
	}
	data := crashBlob()
	m := blob.Of(data)
	if err := s.Begin(m); err != nil {
		return err
	}
	for i := range crashPieces - 1 {
		if err := s.WritePiece(m.ID(), i, data[m.PieceOffset(i):][:m.PieceLen(i)]); err != nil {
			return err
		}
		if _, err := s.Put(content(uint64(i), 5000)); err != nil {
			return err
		}
		if err := putAndDeleteHalf(s, i); err != nil {
			return err
		}
		fmt.Println(i)
	}
	for {
		if _, err := s.Import(bytes.NewReader(content(98, 1_000_000))); err != nil {
			return err
		}
	}
}

func putAndDeleteHalf(s *Store, i int) error {
	refs, err := s.PutMany(crashBatch(i))
	if err != nil {
		return err
	}
	for _, ref := range refs[:10] {
		if err := s.Delete(ref.ID); err != nil {
			return err
		}
	}
	return nil
}

func TestSIGKILLLosesNothingThatWasWritten(t *testing.T) {
	for _, stopAfter := range []int{1, 20, crashPieces - 1} {
		dir := t.TempDir()
		killAfter(t, dir, stopAfter)
		s := open(t, Config{Dir: dir})
		data := crashBlob()
		m, have, err := s.Have(blob.Of(data).ID())
		if err != nil || have.Count() < stopAfter {
			t.Fatalf("%d pieces were written, %d are there, %v", stopAfter, have.Count(), err)
		}
		for i := range m.Pieces {
			got, err := s.ReadPiece(m.ID(), i)
			if have.Has(i) != (err == nil) || (err == nil && m.Verify(i, got) != nil) {
				t.Errorf("piece %d, have %v: %v", i, have.Has(i), err)
			}
		}
		for i := range stopAfter {
			if !s.Complete(blob.Of(content(uint64(i), 5000)).ID()) {
				t.Errorf("small blob %d is gone", i)
			}
			for k, data := range crashBatch(i) {
				got, err := s.ReadRange(blob.Of(data).ID(), 0, -1)
				if k >= 10 && (err != nil || !bytes.Equal(got, data)) {
					t.Errorf("blob %d of batch %d: %d bytes, %v", k, i, len(got), err)
				}
			}
		}
		if err := s.WritePiece(m.ID(), crashPieces-1, data[m.PieceOffset(crashPieces-1):]); err != nil {
			t.Errorf("cannot go on: %v", err)
		}
	}
}

// killAfter runs writeUntilKilled as a process and kills it once it has told
// of n pieces.
func killAfter(t *testing.T, dir string, n int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashDirEnv+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for range n {
		if !lines.Scan() {
			t.Fatal("the process ended by itself")
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
}

// After a power cut, bytes that were never synced may be anything.
func TestPowerCut(t *testing.T) {
	dir := t.TempDir()
	s, data := open(t, Config{Dir: dir}), content(1, 4*blob.MinPiece)
	m := blob.Of(data)
	id := m.ID()
	write := func(i int) error { return s.WritePiece(id, i, data[m.PieceOffset(i):][:m.PieceLen(i)]) }
	if err := errors.Join(s.Begin(m), write(0), s.Sync(id), write(1), write(2)); err != nil {
		t.Fatal(err)
	}
	flip(t, s, id, m.PieceOffset(2)+5)
	_, have, err := open(t, Config{Dir: dir}).Have(id)
	if err != nil || have.Count() != 2 || !have.Has(0) || !have.Has(1) {
		t.Errorf("have %08b, %v", []byte(have), err)
	}
}

func TestTornFilesAreForgotten(t *testing.T) {
	for _, c := range []struct {
		name string
		size int
		tear func(s *Store, id blob.ID) error
	}{
		{"small blob cut short", 5000, func(s *Store, id blob.ID) error { return os.Truncate(onlyPack(s), 100) }},
		{"small blob all zero", 5000, func(s *Store, id blob.ID) error {
			return os.WriteFile(onlyPack(s), make([]byte, 5056), 0o600)
		}},
		{"small blob with a wrong byte", 5000, func(s *Store, id blob.ID) error {
			flip(t, s, id, 4999)
			return nil
		}},
		{"pack gone", 5000, func(s *Store, id blob.ID) error { return os.Remove(onlyPack(s)) }},
		{"manifest empty", 700_000, func(s *Store, id blob.ID) error { return os.Truncate(s.path(id, manifestExt), 0) }},
		{"no manifest", 700_000, func(s *Store, id blob.ID) error { return os.Remove(s.path(id, manifestExt)) }},
		{"no data", 700_000, func(s *Store, id blob.ID) error { return os.Remove(s.path(id, dataExt)) }},
		{"data cut short", 700_000, func(s *Store, id blob.ID) error { return os.Truncate(s.path(id, dataExt), 9) }},
	} {
		dir := t.TempDir()
		s := open(t, Config{Dir: dir})
		id := put(t, s, content(1, c.size))
		if err := c.tear(s, id); err != nil {
			t.Fatal(err)
		}
		s = open(t, Config{Dir: dir})
		if _, _, err := s.Have(id); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", c.name, err)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "*", id.String()+".*")); len(left) > 0 || s.used != 0 {
			t.Errorf("%s: %v stay, %d bytes used", c.name, left, s.used)
		}
		if again := put(t, s, content(1, c.size)); again != id || !s.Complete(id) {
			t.Errorf("%s: cannot be put again", c.name)
		}
	}
}

func onlyPack(s *Store) string {
	paths, _ := filepath.Glob(filepath.Join(s.dir, packFolder, "*.pack"))
	return paths[0]
}

func TestTornBitmapsMeanNoPieces(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Config{Dir: dir})
	id := put(t, s, content(1, 700_000))
	if err := os.Truncate(s.path(id, haveExt), 1); err != nil {
		t.Fatal(err)
	}
	_, have, err := open(t, Config{Dir: dir}).Have(id)
	if err != nil || have.Count() != 0 {
		t.Errorf("have %08b, %v", []byte(have), err)
	}
}
