package sandbox

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/anthill-grid/anthill/internal/lab/handmade"
	"github.com/anthill-grid/anthill/worker/sandbox/walls"
)

// writerMain is a child that a guest has taken over: it stands within the walls that it was
// given, and tries to leave something in the cache.
func writerMain(into string) error {
	in := bufio.NewReader(os.Stdin)
	var s setup
	if err := readJSON(in, frameSetup, &s); err != nil {
		return err
	}
	if err := writeJSON(os.Stdout, frameHello, walls.Raise(firstWalls(s))); err != nil {
		return err
	}
	var tried []string
	entries, err := filepath.Glob(filepath.Join(into, "*", sourceName))
	tried = append(tried, fmt.Sprint("read ", len(entries), err))
	for _, path := range append(entries, filepath.Join(into, "new"), filepath.Join(into, "making-x", "new")) {
		if os.WriteFile(path, []byte("poison"), 0o600) == nil || os.Remove(path) == nil {
			tried = append(tried, "wrote "+path)
		}
	}
	c := newChild(in, os.Stdout)
	if _, err := c.read(); err != nil {
		return err
	}
	return c.answer(report{Fault: strings.Join(tried, "; ")}, nil)
}

// TestGuestsCannotWriteTheCache: a child that may have run a guest reads compiled code, and
// cannot change it, remove it or add to it.
func TestGuestsCannotWriteTheCache(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	honest := newSlotIn(t, dir)
	task := newTask(t, handmade.Noop())
	run(t, honest, task)
	if w, err := honest.Walls(t.Context()); err != nil || !strings.Contains(strings.Join(w.Standing, " "), "landlock") {
		t.Skipf("no landlock here: %v, %v", w, err)
	}
	s := newSlotIn(t, dir)
	s.command = []string{os.Args[0], "writer", dir}
	r, err := s.Run(t.Context(), task)
	text := fmt.Sprint(r.Reason, err)
	if !strings.Contains(text, "read 1") || strings.Contains(text, "wrote") {
		t.Errorf("it says %q", text)
	}
	if !sealFits(nil, entryOf(dir, task)) {
		t.Error("the entry is not as it was")
	}
}
