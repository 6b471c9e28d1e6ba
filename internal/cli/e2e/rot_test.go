package e2e

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/gridtest"
	"github.com/anthill-grid/anthill/internal/lab/handmade"
	"github.com/anthill-grid/anthill/sdk"
)

// TestADiskRots takes the input's file from a coordinator and rots a result there
// while the job runs. The job ends, the copies come back, and with another
// coordinator and all workers gone get and results give the right bytes.
func TestADiskRots(t *testing.T) {
	t.Parallel()
	grid := gridtest.Start(t, gridtest.Config{Workers: gridtest.Friends("ada", "bruno", "chen")})
	client := grid.Connect(t)
	data, want := random(7<<20), map[int]string{}
	for part := range slices.Chunk(data, 300_000) {
		want[len(want)] = string(part)
	}
	id := must(t, grid, "put", write(t, "corpus.txt", data))
	job := submit(t, client, &sdk.JobFile{
		Name: "rot", Bundle: write(t, "guest.wasm", handmade.EchoAfter(300)),
		Input: sdk.Input{Split: &sdk.Split{File: "blob:" + id, Size: 300_000}},
	})
	input := filepath.Join(grid.Dir("c3"), "blobs", id[:2], id+".data")
	result, whole := awaitResult(t, grid.Dir("c3"), want)
	rot(t, result)
	if err := os.Remove(input); err != nil {
		t.Fatal(err)
	}
	expectRunning(t, client, job)
	awaitSuccess(t, client, job)
	awaitFile(t, input, data)
	awaitFile(t, result, whole)
	if log := grid.Log(t, "c3"); !strings.Contains(log, "copies lost") {
		t.Error("c3 did not tell that it lost a result")
	}
	grid.KillAll(t, "c1", "w1", "w2", "w3")
	expectResults(t, client, job, want)
	out := filepath.Join(t.TempDir(), "out")
	must(t, grid, "get", id, "-o", out)
	awaitFile(t, out, data)
}

// awaitResult waits for any of these on a coordinator's disk.
func awaitResult(t *testing.T, dir string, want map[int]string) (path string, data []byte) {
	t.Helper()
	eventually(t, "there is a result", func() bool {
		files, err := filepath.Glob(filepath.Join(dir, "blobs", "??", "*.data"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path = range files {
			data, err = os.ReadFile(path)
			if err == nil && slices.Contains(slices.Collect(maps.Values(want)), string(data)) {
				return true
			}
		}
		return false
	})
	return path, data
}

// rot changes a file.
func rot(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte("rot"), 1000); err != nil {
		t.Fatal(err)
	}
}

func awaitFile(t *testing.T, path string, want []byte) {
	t.Helper()
	eventually(t, path+" is whole", func() bool {
		got, err := os.ReadFile(path)
		return err == nil && bytes.Equal(got, want)
	})
}

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(deadline); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited too long until %s", what)
		}
	}
}
