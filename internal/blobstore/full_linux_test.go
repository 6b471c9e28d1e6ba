package blobstore

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/anthill-grid/anthill/internal/blob"
)

// smallDisk mounts a disk of some bytes.
func smallDisk(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Skipf("cannot mount a small disk, which takes root: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	return dir
}

// fill stores blobs of many sizes in all ways until one does not fit, and gives what
// was stored.
func fill(t *testing.T, s *Store) map[blob.ID][]byte {
	t.Helper()
	stored := map[blob.ID][]byte{}
	for seed := uint64(1); ; seed++ {
		data := content(seed, []int{300, 40_000, 700_000}[seed%3])
		s.Pin(blob.Of(data).ID())
		var err error
		if seed%2 == 0 {
			_, err = s.Put(data)
		} else {
			_, err = s.Import(bytes.NewReader(data))
		}
		if err != nil && !errors.Is(err, ErrFull) {
			t.Fatalf("blob %d: %v", seed, err)
		}
		if err != nil {
			t.Logf("after %d blobs: %v", len(stored), err)
			return stored
		}
		stored[blob.Of(data).ID()] = data
	}
}

func expectAll(t *testing.T, s *Store, stored map[blob.ID][]byte, when string) {
	t.Helper()
	for id, data := range stored {
		if got, err := s.ReadRange(id, 0, -1); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s: blob of %d bytes: %d, %v", when, len(data), len(got), err)
		}
	}
}

// A disk that is full in the middle of a write, or has no room for another file.
func TestFullDisk(t *testing.T) {
	for _, options := range []string{"size=5m", "size=6m", "size=7m,nr_inodes=30"} {
		dir := smallDisk(t, options)
		s := open(t, Config{Dir: dir, Reserve: -1})
		stored := fill(t, s)
		expectAll(t, s, stored, "full")
		used := s.used
		s = open(t, Config{Dir: dir, Reserve: -1})
		expectAll(t, s, stored, "reopened")
		if s.used != used {
			t.Errorf("%s: %d bytes used, %d after reopen", options, used, s.used)
		}
		for id, data := range stored {
			if len(data) == 700_000 {
				if err := s.Delete(id); err != nil {
					t.Errorf("delete on a full disk: %v", err)
				}
				delete(stored, id)
			}
		}
		again := content(777, 700_000)
		stored[put(t, s, again)] = again
		small := content(778, 700)
		stored[put(t, s, small)] = small
		expectAll(t, s, stored, "with room again")
	}
}

// Where a disk has no room for a copy, packs of which nothing is needed still go. That
// there is room for copies is what the reserve is for.
func TestDeletedSmallBlobsMakeRoomOnAFullDisk(t *testing.T) {
	s := open(t, Config{Dir: smallDisk(t, "size=4m"), Reserve: -1})
	var ids []blob.ID
	for {
		ref, err := s.Put(content(uint64(len(ids)), 50_000))
		if err != nil {
			break
		}
		ids = append(ids, ref.ID)
	}
	for _, id := range ids {
		if err := s.Delete(id); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 40 {
		put(t, s, content(uint64(1000+i), 50_000))
	}
}

func TestReserveHoldsOnARealDisk(t *testing.T) {
	dir := smallDisk(t, "size=20m")
	s := open(t, Config{Dir: dir})
	stored := fill(t, s)
	expectAll(t, s, stored, "full")
	free, size, err := diskSpace(dir)
	if err != nil || free < size/reserveShare-64<<10 || free > size/2 {
		t.Errorf("%d of %d bytes free, %v", free, size, err)
	}
}

const limitDirEnv = "BLOBSTORE_TEST_LIMIT_DIR"

// TestFileSizeLimit runs itself as a process whose files may not grow.
func TestFileSizeLimit(t *testing.T) {
	dir := os.Getenv(limitDirEnv)
	if dir == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestFileSizeLimit$", "-test.v")
		cmd.Env = append(os.Environ(), limitDirEnv+"="+t.TempDir())
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 1 << 20, Max: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	s := open(t, Config{Dir: dir, segment: 900_000})
	stored := map[blob.ID][]byte{}
	for i := range 30 {
		data := content(uint64(i), 100_000)
		stored[put(t, s, data)] = data
	}
	for _, put := range []func([]byte) error{
		func(data []byte) error { _, err := s.Put(data); return err },
		func(data []byte) error { _, err := s.Import(bytes.NewReader(data)); return err },
		func(data []byte) error { return s.Begin(blob.Of(data)) },
	} {
		used := s.used
		if err := put(content(99, 2<<20)); !errors.Is(err, ErrFull) || s.used != used {
			t.Errorf("%v, %d bytes used after %d", err, s.used, used)
		}
	}
	expectAll(t, s, stored, "beside it")
	expectAll(t, open(t, Config{Dir: dir}), stored, "reopened")
}
