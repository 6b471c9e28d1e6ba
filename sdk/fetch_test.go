package sdk

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/lab/fakegrid"
	"github.com/anthill-grid/anthill/internal/node"
)

// Two that write the same pieces would take each other's files away, and each hold for
// checked what the other has changed since.
func TestFetchesToOneFileKeepOutOfEachOthersWay(t *testing.T) {
	fake := fakegrid.Start(t, 1)
	grid := connect(t, fake, 2*time.Second)
	data := bytes.Repeat([]byte("0123456789"), 60_000)
	fake.AddJob("j", 1)
	fake.Accept(t, "j", 0, data)
	id, path := blob.Of(data).ID().String(), filepath.Join(t.TempDir(), "file")
	other, err := node.Lock(path + ".part")
	if err != nil {
		t.Fatal(err)
	}
	if err := grid.FetchBlob(t.Context(), id, FetchOptions{Path: path}); !errors.Is(err, ErrInvalid) {
		t.Errorf("beside another: %v", err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if err := grid.FetchBlob(t.Context(), id, FetchOptions{Path: path}); err != nil {
		t.Errorf("after it: %v", err)
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if _, err := os.Stat(path + ".part"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what was beside it is left: %v", err)
	}
}

// A directory that was there before is not taken for the beginning of a blob, and so not
// removed with it, whatever is in it.
func TestFetchLeavesStrangeDirectoriesAlone(t *testing.T) {
	fake := fakegrid.Start(t, 1)
	grid := connect(t, fake, 2*time.Second)
	fake.AddJob("j", 1)
	fake.Accept(t, "j", 0, []byte("small"))
	for _, name := range []string{"tmp/dear", "packs/dear", "packs/1.pack", "tree/dear", "complete", "ab/dear"} {
		path := filepath.Join(t.TempDir(), "film")
		dear := filepath.Join(path+".part", filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(dear), 0o700), os.WriteFile(dear, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
		err := grid.FetchBlob(t.Context(), blob.Of([]byte("small")).ID().String(), FetchOptions{Path: path})
		if !errors.Is(err, ErrInvalid) || NextStep(err) == "" {
			t.Errorf("%s: got %v", name, err)
		}
		if _, err := os.Stat(dear); err != nil {
			t.Error(err)
		}
	}
}

// What somebody puts beside the parts while they come is not FetchBlob's to remove.
func TestFetchRemovesOnlyWhatItMade(t *testing.T) {
	fake := fakegrid.Start(t, 1)
	grid := connect(t, fake, 2*time.Second)
	data := bytes.Repeat([]byte("0123456789"), 60_000)
	fake.AddJob("j", 1)
	fake.Accept(t, "j", 0, data)
	path := filepath.Join(t.TempDir(), "film")
	beside, err := openParts(path + ".part") // as by one that was interrupted
	if err != nil {
		t.Fatal(err)
	}
	dear := filepath.Join(path+".part", "dear")
	if err := errors.Join(beside.close(), os.WriteFile(dear, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := grid.FetchBlob(t.Context(), blob.Of(data).ID().String(), FetchOptions{Path: path}); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(path + ".part")
	if err != nil || len(left) != 1 || left[0].Name() != "dear" {
		t.Errorf("left are %v, %v", left, err)
	}
}
