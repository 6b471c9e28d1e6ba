package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/gridtest"
	"github.com/anthill-grid/anthill/sdk"
)

// serveFile serves random bytes from a member's machine until the test ends.
func serveFile(t *testing.T, grid *gridtest.Grid, size int) (id string, data []byte) {
	t.Helper()
	data = make([]byte, size)
	rand.Read(data) // never fails
	path := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	began, ended := make(chan string, 1), make(chan error, 1)
	client := member(t, grid, "seed")
	go func() { ended <- client.ServeFile(ctx, path, func(id string, _ int64) { began <- id }) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("serve: %v", err)
		}
	})
	select {
	case id = <-began:
	case <-time.After(20 * time.Second):
		t.Fatal("the blob is not announced")
	}
	return id, data
}

// member is a submitter who has joined the grid.
func member(t *testing.T, grid *gridtest.Grid, owner string) *sdk.Grid {
	t.Helper()
	client, err := sdk.Connect(t.Context(), sdk.Config{Grid: grid.Join(t, owner)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func TestPeersGetABlobFromEachOther(t *testing.T) {
	t.Parallel()
	grid := gridtest.Start(t, gridtest.Config{})
	id, data := serveFile(t, grid, 24<<20)
	dir := t.TempDir()
	var all sync.WaitGroup
	for _, name := range []string{"ada", "bruno", "chen"} {
		client := member(t, grid, name)
		all.Go(func() {
			path := filepath.Join(dir, name)
			err := client.FetchBlob(t.Context(), id, sdk.FetchOptions{Path: path, Done: func(p sdk.FetchProgress) {
				if p.Have != int64(len(data)) || p.New != p.Have || p.FromPeers != p.Have {
					t.Errorf("%s: %+v", name, p)
				}
			}})
			if err != nil {
				t.Error(err)
			}
			expectFile(t, path, data)
		})
	}
	all.Wait()
	var out bytes.Buffer
	if err := member(t, grid, "dora").FetchBlob(t.Context(), id, sdk.FetchOptions{Stream: &out}); err != nil || !bytes.Equal(out.Bytes(), data) {
		t.Errorf("streamed %d bytes of %d, %v", out.Len(), len(data), err)
	}
	code, _, stderr := grid.Run(t, "get", "not-an-id", "-o", filepath.Join(dir, "x"))
	if code != 2 {
		t.Errorf("a bad id: exit code %d, %s", code, stderr)
	}
	path := filepath.Join(dir, "nothing")
	code, _, stderr = grid.Run(t, "get", strings.Repeat("0", 64), "-o", path, "--patience", "1s")
	if code != 3 || !strings.Contains(stderr, "anthill serve") {
		t.Errorf("an id that nobody knows: exit code %d, %s", code, stderr)
	}
	if _, err := os.Stat(path + ".part"); !errors.Is(err, os.ErrNotExist) {
		t.Error("an empty .part is left over")
	}
}

func expectFile(t *testing.T, path string, want []byte) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s: %d bytes of %d, %v", filepath.Base(path), len(got), len(want), err)
	}
	if _, err := os.Stat(path + ".part"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s.part is left over", filepath.Base(path))
	}
}

func TestGetGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	grid := gridtest.Start(t, gridtest.Config{})
	id, data := serveFile(t, grid, 192<<20)
	client, path := member(t, grid, "ada"), filepath.Join(t.TempDir(), "data")
	ctx, interrupt := context.WithCancel(t.Context())
	err := client.FetchBlob(ctx, id, sdk.FetchOptions{Path: path, Progress: func(p sdk.FetchProgress) {
		if p.Have > 0 {
			interrupt()
		}
	}})
	interrupt()
	if !errors.Is(err, context.Canceled) {
		t.Skipf("it was complete before it could be interrupted: %v", err)
	}
	err = client.FetchBlob(t.Context(), id, sdk.FetchOptions{Path: path, Done: func(p sdk.FetchProgress) {
		if p.New == 0 || p.New >= int64(len(data)) {
			t.Errorf("%d of %d bytes came after the interrupt", p.New, len(data))
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	expectFile(t, path, data)
}

// A peer that serves garbage is refused by those that get it, and its owner banned by
// the grid on one signed piece, which anybody can see.
func TestWhoServesGarbageIsBanned(t *testing.T) {
	grid := gridtest.Start(t, gridtest.Config{})
	id, data := serveFile(t, grid, 16<<20)
	mallory, dir := member(t, grid, "mallory"), t.TempDir()
	ctx, stop := context.WithCancel(t.Context())
	complete, ended := make(chan bool, 1), make(chan error, 1)
	go func() {
		ended <- mallory.FetchBlob(ctx, id, sdk.FetchOptions{
			Path: filepath.Join(dir, "mallory"), Serve: true, Garbage: true, Done: func(sdk.FetchProgress) { complete <- true },
		})
	}()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("mallory: %v", err)
		}
	}()
	select {
	case <-complete:
	case <-time.After(20 * time.Second):
		t.Fatal("mallory has got nothing to spoil")
	}
	if _, err := mallory.Jobs(t.Context()); err != nil {
		t.Fatalf("before ada has met her: %v", err)
	}
	path, home := filepath.Join(dir, "ada"), grid.Join(t, "ada")
	client, err := sdk.Connect(t.Context(), sdk.Config{Grid: home})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	err = client.FetchBlob(t.Context(), id, sdk.FetchOptions{Path: path, Done: func(p sdk.FetchProgress) {
		if p.Refused != 1 || p.Received-p.New > 256<<10 {
			t.Errorf("ada refused %d peers after %d bytes that were of no use", p.Refused, p.Received-p.New)
		}
	}, Serve: false})
	if err != nil {
		t.Fatal(err)
	}
	expectFile(t, path, data)
	if kept, err := os.ReadFile(filepath.Join(home, "client-refused.json")); err != nil || !bytes.Contains(kept, []byte("until")) {
		t.Errorf("ada does not remember her: %s, %v", kept, err)
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		_, err := mallory.Jobs(t.Context())
		if err != nil && strings.Contains(err.Error(), "signed wrong bytes as piece") {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("mallory is not banned: %v", err)
		}
	}
	if code, stdout, stderr := grid.Run(t, "owner", "show", "mallory"); code != 0 || !strings.Contains(stdout, "of blob "+id+" was sent to node ") {
		t.Errorf("owner show: exit code %d, %s%s", code, stdout, stderr)
	}
}
