package sdk

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/internal/lab/fakegrid"
	"github.com/anthill-grid/anthill/internal/problem"
)

// smallDisk mounts a disk of 8 MiB, of which a twentieth is reserved.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=8m"); err != nil {
		t.Skipf("cannot mount a small disk, which takes root: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	return dir
}

// What does not fit the disk is found out before anything of it is fetched or written.
func TestTooLittleRoomIsToldAtOnce(t *testing.T) {
	dir := smallDisk(t)
	t.Setenv("TMPDIR", dir)
	fake := fakegrid.Start(t, 1)
	grid := connect(t, fake, 2*time.Second)
	data := map[string][]byte{"fits": bytes.Repeat([]byte("5 MB "), 1_000_000), "does not": bytes.Repeat([]byte("9 MB "), 1_800_000)}
	fake.AddJob("j", 2)
	fake.Accept(t, "j", 0, data["fits"])
	fake.Accept(t, "j", 1, data["does not"])
	fits, large := blob.Of(data["fits"]).ID().String(), blob.Of(data["does not"]).ID().String()
	for _, c := range []struct {
		name, id string
		opts     FetchOptions
		next     string // "": it is no trouble
	}{
		{"streamed", fits, FetchOptions{}, ""},
		{"streamed, too large", large, FetchOptions{}, "TMPDIR"},
		{"file, too large", large, FetchOptions{Path: filepath.Join(dir, "file")}, "another disk"},
		{"file and its parts", fits, FetchOptions{Path: filepath.Join(dir, "file")}, ""},
		{"archive and what is in it", fits, FetchOptions{Path: filepath.Join(dir, "tree"), Unpack: true}, "another disk"},
	} {
		var out bytes.Buffer
		came := int64(0)
		c.opts.Progress = func(p FetchProgress) { came = p.Received }
		if c.opts.Path == "" {
			c.opts.Stream = &out
		}
		err := grid.FetchBlob(t.Context(), c.id, c.opts)
		if c.next == "" {
			if err != nil || c.opts.Stream != nil && !bytes.Equal(out.Bytes(), data["fits"]) {
				t.Errorf("%s: %v", c.name, err)
			}
			_ = os.Remove(c.opts.Path)
			continue
		}
		if !errors.Is(err, blobstore.ErrFull) || !strings.Contains(problem.Next(err), c.next) || strings.Contains(err.Error(), "--disk") {
			t.Errorf("%s: %v: %s", c.name, err, problem.Next(err))
		}
		if out.Len() > 0 || came > 0 {
			t.Errorf("%s: %d bytes came, %d were written", c.name, came, out.Len())
		}
	}
	source := filepath.Join(t.TempDir(), "source")
	if err := os.WriteFile(source, data["does not"], 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := grid.Put(t.Context(), source, PutOptions{Reading: func(read, _ int64) {
		if read > 0 {
			t.Errorf("%d bytes are read first", read)
		}
	}})
	if !errors.Is(err, blobstore.ErrFull) || !strings.Contains(problem.Next(err), "TMPDIR") {
		t.Errorf("put: %v: %s", err, problem.Next(err))
	}
	err = grid.ServeFile(t.Context(), source, func(string, int64) {})
	if !errors.Is(err, blobstore.ErrFull) || !strings.Contains(problem.Next(err), "TMPDIR") {
		t.Errorf("serve: %v: %s", err, problem.Next(err))
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v are left, %v", left, err)
	}
}
