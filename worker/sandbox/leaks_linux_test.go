package sandbox

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/handmade"
)

// held is what a slot could leave behind.
type held struct {
	children, descriptors, goroutines, files int
	memory                                   int64
}

func takeStock(t *testing.T, cacheDir string) held {
	t.Helper()
	runtime.GC()
	var h held
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	h.descriptors, h.goroutines = len(fds), runtime.NumGoroutine()
	lists, _ := filepath.Glob("/proc/self/task/*/children")
	for _, list := range lists {
		content, _ := os.ReadFile(list) // the thread may be gone
		h.children += len(strings.Fields(string(content)))
	}
	err = filepath.WalkDir(cacheDir, func(string, fs.DirEntry, error) error { h.files++; return nil })
	if err != nil {
		t.Fatal(err)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	h.memory = int64(m.HeapAlloc)
	return h
}

// TestKillsLeaveNothingBehind kills a slot's child again and again, in all ways.
func TestKillsLeaveNothingBehind(t *testing.T) {
	kills := 1000
	if testing.Short() || raceDetector {
		kills = 40
	}
	cacheDir := filepath.Join(t.TempDir(), "cache")
	s := newSlotIn(t, cacheDir)
	noop, loop := newTask(t, handmade.Noop()), newTask(t, handmade.Loop())
	loop.Time = time.Millisecond
	kill := func(i int) {
		switch i % 4 {
		case 0:
			wantStatus(t, run(t, s, loop), TimedOut, "")
		case 1:
			run(t, s, noop)
			_ = s.child.cmd.Process.Kill()
			<-s.child.exited
		case 2:
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Millisecond)
			defer cancel()
			long := loop
			long.Time = time.Minute
			if _, err := s.Run(ctx, long); err == nil {
				t.Fatal("a cancelled run has a result")
			}
		case 3:
			if err := s.ready(context.Background()); err != nil {
				t.Fatal(err)
			}
			_ = s.Pause()
			s.discard()
			_ = s.Resume()
		}
	}
	for i := range 8 {
		kill(i)
	}
	before := takeStock(t, cacheDir)
	for i := range kills {
		kill(i)
	}
	s.discard()
	after := takeStock(t, cacheDir)
	for range 100 { // goroutines and the system take a moment
		if after.descriptors <= before.descriptors && after.goroutines <= before.goroutines {
			break
		}
		time.Sleep(20 * time.Millisecond)
		after = takeStock(t, cacheDir)
	}
	t.Logf("%d kills: %+v became %+v", kills, before, after)
	if after.children > before.children || after.descriptors > before.descriptors || after.goroutines > before.goroutines ||
		after.files > before.files || after.memory > before.memory+4<<20 {
		t.Errorf("%d kills left something behind: %+v became %+v", kills, before, after)
	}
}
