package sandbox

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tetratelabs/wazero"

	"github.com/anthill-grid/anthill/internal/module/rewrite"
)

const (
	// entriesKept bounds the cache: the entries used last are kept.
	entriesKept = 64
	sealName    = "seal"
	sourceName  = "rewritten.wasm"
	lockSuffix  = ".lock"
)

// cacheEntry is the directory of one module, as it was rewritten, and of its
// native code. The code runs as it
// is, and the engine's own checksum covers only a part of its file; so each
// entry is sealed with a hash of all its files, and one whose seal does not
// fit is thrown away. That finds damage, not malice: anyone who can write into
// the directory can run code, which is why it is private (0700).
//
// An entry stays locked while it is read or made: of the slots that want the
// same new module, one compiles it and the others read it. The 256 locks are shared
// by all entries, and never removed: with a new file in the place of one that
// is waited for, two could have the lock.
type cacheEntry struct {
	dir    string
	sealed bool
	cache  wazero.CompilationCache
	unlock func()
}

func openEntry(root, name string) (*cacheEntry, error) {
	dir := filepath.Join(root, name)
	unlock, err := lockFile(lockPath(root, name))
	if err != nil {
		return nil, fmt.Errorf("lock code cache: %w", err)
	}
	e := &cacheEntry{dir: dir, sealed: sealFits(dir), unlock: unlock}
	if !e.sealed {
		err = os.RemoveAll(dir)
	}
	if err == nil {
		e.cache, err = wazero.NewCompilationCacheWithDir(dir)
	}
	if err != nil {
		unlock()
		return nil, fmt.Errorf("open code cache: %w", err)
	}
	return e, nil
}

// lockPath is the file by which an entry is locked; names begin with a digest in hex.
func lockPath(root, name string) string { return filepath.Join(root, name[:2]+lockSuffix) }

// entryName is the module's and that of what is done to it. Versions and settings
// of the engine have names of their own within the entry.
func entryName(req request) string {
	name := fmt.Sprintf("%s-%d", strings.ToLower(req.ModuleID), rewrite.Version)
	for _, o := range []struct {
		on     bool
		letter string
	}{{req.Rewrite.NaN, "n"}, {req.Rewrite.Depth, "d"}, {req.Rewrite.Fuel, "f"}} {
		if o.on {
			name += o.letter
		}
	}
	return name
}

// rewritten is the module as it is run, which the entry keeps.
func (e *cacheEntry) rewritten(s *source, o rewrite.Options) ([]byte, error) {
	path := filepath.Join(e.dir, sourceName)
	if e.sealed {
		if kept, err := os.ReadFile(path); err == nil {
			return kept, nil
		}
	}
	module, err := s.rewrite(o)
	if err == nil {
		_ = os.WriteFile(path, module, 0o600) // if that fails it is rewritten again next time
	}
	return module, err
}

func (e *cacheEntry) release() { e.unlock() }

// seal makes the entry count next time. If that fails, the entry is made again
// then, and that is all.
func (e *cacheEntry) seal() {
	path := filepath.Join(e.dir, sealName)
	if e.sealed {
		now := time.Now()
		_ = os.Chtimes(path, now, now)
		return
	}
	sum, err := hashDir(e.dir)
	if err != nil {
		return
	}
	if os.WriteFile(path+".new", []byte(sum), 0o600) == nil {
		_ = os.Rename(path+".new", path)
	}
	pruneEntries(filepath.Dir(e.dir))
}

func sealFits(dir string) bool {
	want, err := os.ReadFile(filepath.Join(dir, sealName))
	if err != nil {
		return false
	}
	sum, err := hashDir(dir)
	return err == nil && sum == string(want)
}

// hashDir hashes the names and contents of all files but the seal.
func hashDir(dir string) (string, error) {
	sum := sha256.New()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), sealName) {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		return hashFile(sum, path, name)
	})
	return hex.EncodeToString(sum.Sum(nil)), err
}

func hashFile(sum io.Writer, path, name string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	content := sha256.New()
	if _, err := io.Copy(content, f); err != nil {
		return err
	}
	_, err = fmt.Fprintf(sum, "%q %x\n", name, content.Sum(nil))
	return err
}

// pruneEntries removes the entries that were not used for longest. One that is
// in use meanwhile is only compiled again some day.
func pruneEntries(root string) {
	type entry struct {
		dir  string
		used time.Time
	}
	seals, err := filepath.Glob(filepath.Join(root, "*", sealName))
	if err != nil || len(seals) <= entriesKept {
		return
	}
	var entries []entry
	for _, seal := range seals {
		if info, err := os.Stat(seal); err == nil {
			entries = append(entries, entry{filepath.Dir(seal), info.ModTime()})
		}
	}
	slices.SortFunc(entries, func(a, b entry) int {
		return cmp.Or(b.used.Compare(a.used), cmp.Compare(a.dir, b.dir))
	})
	for _, e := range entries[min(entriesKept, len(entries)):] {
		_ = os.RemoveAll(e.dir)
	}
}
