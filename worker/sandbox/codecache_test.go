package sandbox

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/handmade"
	"github.com/anthill-grid/anthill/internal/module/rewrite"
)

func TestTheCacheIsPrivate(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no permission bits")
	}
	dir := filepath.Join(t.TempDir(), "cache")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	s := newSlotIn(t, dir)
	run(t, s, newTask(t, handmade.Noop()))
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// entryOf is where a module that was rewritten in all ways is cached.
func entryOf(dir string, task Task) string {
	return filepath.Join(dir, entryName(request{ModuleID: task.ModuleID, Rewrite: rewrite.Options{NaN: true, Depth: true, Fuel: true}}))
}

// TestDamagedCacheIsThrownAway spoils an entry in several ways; each time the
// task must run and the entry be whole again.
func TestDamagedCacheIsThrownAway(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	task := newTask(t, handmade.Print(1, "result"))
	entry := entryOf(dir, task)
	runFresh := func(name string) {
		t.Helper()
		s := newSlotIn(t, dir)
		defer s.Close()
		if r := run(t, s, task); string(r.Output) != "result" {
			t.Errorf("%s: %v %q", name, r.Status, r.Reason)
		}
		if !sealFits(nil, entry) {
			t.Errorf("%s: the entry is not sealed", name)
		}
	}
	runFresh("first")
	code := codeFile(t, entry)
	whole, err := os.ReadFile(code)
	if err != nil {
		t.Fatal(err)
	}
	flipped := append([]byte(nil), whole...)
	flipped[len(flipped)/2] ^= 0xff
	for name, content := range map[string][]byte{
		"empty": nil, "cut short": whole[:len(whole)/2], "noise": []byte("noise"), "flipped": flipped,
	} {
		if err := os.WriteFile(code, content, 0o600); err != nil {
			t.Fatal(err)
		}
		runFresh(name)
		if now, err := os.ReadFile(code); err != nil || string(now) != string(whole) {
			t.Errorf("%s: the code was not made again", name)
		}
	}
	if err := os.WriteFile(filepath.Join(entry, "extra"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	runFresh("extra file")
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	runFresh("no directory")
}

func TestAGoodCacheIsUsed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	task := newTask(t, handmade.Noop())
	run(t, newSlotIn(t, dir), task)
	code := codeFile(t, entryOf(dir, task))
	before, err := os.Stat(code)
	if err != nil {
		t.Fatal(err)
	}
	run(t, newSlotIn(t, dir), task)
	after, err := os.Stat(code)
	if err != nil || !os.SameFile(before, after) || !before.ModTime().Equal(after.ModTime()) {
		t.Errorf("the code was made again: %v", err)
	}
}

func TestACacheThatCannotBeWrittenCostsOnlyTime(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	s := newSlotIn(t, dir)
	task := newTask(t, handmade.Noop())
	// A directory in the lock's place fails even for root.
	entry := entryOf(dir, task)
	if err := os.Mkdir(lockPath(dir, filepath.Base(entry)), 0o700); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, run(t, s, task), Exited, "")
}

func TestPruneKeepsTheNewest(t *testing.T) {
	root := t.TempDir()
	now := time.Now()
	for i := range entriesKept + 5 {
		dir := filepath.Join(root, fmt.Sprintf("%032x", i))
		seal := filepath.Join(dir, sealName)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(seal, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(lockPath(root, fmt.Sprintf("%02x", i)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		used := now.Add(time.Duration(i) * time.Second)
		if err := os.Chtimes(seal, used, used); err != nil {
			t.Fatal(err)
		}
	}
	pruneEntries(root, 0)
	left, err := filepath.Glob(filepath.Join(root, "*", sealName))
	if err != nil || len(left) != entriesKept {
		t.Fatalf("%d entries left, %v; want %d", len(left), err, entriesKept)
	}
	if want := filepath.Join(root, fmt.Sprintf("%032x", 5), sealName); left[0] != want {
		t.Errorf("oldest entry left is %s, want %s", left[0], want)
	}
	locks, err := filepath.Glob(filepath.Join(root, "*"+lockSuffix))
	if err != nil || len(locks) != entriesKept+5 {
		t.Errorf("%d locks left, %v; want all, as somebody may wait for one", len(locks), err)
	}
}

// codeFile is the one file of native code in an entry.
func codeFile(t *testing.T, entry string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(entry, "wazero-*", "*"))
	if err != nil || len(files) != 1 || strings.HasSuffix(files[0], ".tmp") {
		t.Fatalf("native code of %s: %q, %v; want one file", entry, files, err)
	}
	return files[0]
}

// TestPruneBoundsBytes: what was used last stays, and of the rest as much as there is room
// for, also of entries whose making was broken off.
func TestPruneBoundsBytes(t *testing.T) {
	root := t.TempDir()
	const size = 1000
	entry := func(name string, age time.Duration, sealed bool) {
		dir := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Join(dir, "code"), 0o700); err != nil {
			t.Fatal(err)
		}
		files := []string{filepath.Join(dir, "code", "x")}
		if sealed {
			files = append(files, filepath.Join(dir, sealName))
		}
		for i, path := range files {
			if err := os.WriteFile(path, make([]byte, size*(1-i)), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		used := time.Now().Add(-age)
		for _, path := range append(files, dir) {
			if err := os.Chtimes(path, used, used); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		most int64
		want string
	}{{0, "a b c d"}, {10 * size, "a b c d"}, {3 * size, "a b c"}, {2*size + 1, "a b"}, {1, "a"}} {
		entry("d", 4*time.Hour, false)
		entry("a", time.Hour, true)
		entry("c", 3*time.Hour, true)
		entry("b", 2*time.Hour, false)
		pruneEntries(root, c.most)
		var left []string
		entries, err := os.ReadDir(root)
		for _, e := range entries {
			left = append(left, e.Name())
		}
		if got := strings.Join(left, " "); err != nil || got != c.want {
			t.Errorf("at most %d bytes: %q left, %v; want %q", c.most, got, err, c.want)
		}
	}
}

// TestTheEngineIsInTheNameOfAnEntry, and the rewriter: what another version made is no use.
func TestTheEngineIsInTheNameOfAnEntry(t *testing.T) {
	name := entryName(request{ModuleID: "0a"})
	if want := fmt.Sprintf("0a-%s-%d", engineVersion(), rewrite.Version); name != want || engineVersion() == "" {
		t.Errorf("name %s, want %s", name, want)
	}
}

// TestTheCacheIsSealedByTheParent: what somebody without its key put there is not run,
// though it looks as it should.
func TestTheCacheIsSealedByTheParent(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	task := newTask(t, handmade.Print(1, "result"))
	sealed := func(key string) *Slot {
		s := newSlotIn(t, dir)
		s.sealKey = []byte(key)
		return s
	}
	run(t, sealed("a guest's guess"), task)
	entry := entryOf(dir, task)
	code := codeFile(t, entry)
	before, err := os.Stat(code)
	if err != nil || sealFits([]byte("the parent's"), entry) {
		t.Fatalf("a seal by another key fits: %v", err)
	}
	run(t, sealed("the parent's"), task)
	if after, err := os.Stat(codeFile(t, entry)); err != nil || os.SameFile(before, after) || !sealFits([]byte("the parent's"), entry) {
		t.Errorf("the code was run as it was found: %v", err)
	}
	other := filepath.Join(dir, "other")
	if err := os.Rename(entry, other); err != nil {
		t.Fatal(err)
	}
	if sealFits([]byte("the parent's"), other) {
		t.Error("one module's entry passes for another's")
	}
	left, err := filepath.Glob(filepath.Join(dir, "making-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
