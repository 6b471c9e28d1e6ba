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
// removed with it.
func TestFetchLeavesStrangeDirectoriesAlone(t *testing.T) {
	fake := fakegrid.Start(t, 1)
	grid := connect(t, fake, 2*time.Second)
	fake.AddJob("j", 1)
	fake.Accept(t, "j", 0, []byte("small"))
	path := filepath.Join(t.TempDir(), "film")
	dear := filepath.Join(path+".part", "tmp", "dear")
	if err := os.MkdirAll(filepath.Dir(dear), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dear, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err := grid.FetchBlob(t.Context(), blob.Of([]byte("small")).ID().String(), FetchOptions{Path: path})
	if !errors.Is(err, ErrInvalid) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(dear); err != nil {
		t.Error(err)
	}
}
