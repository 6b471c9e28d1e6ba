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
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tetratelabs/wazero"

	"github.com/anthill-grid/anthill/internal/module/rewrite"
)

const (
	// entriesKept bounds the cache, as Config.CacheSize does: the entries used last are
	// kept.
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
	most   int64 // bytes of all entries, 0 for any number
	sealed bool
	cache  wazero.CompilationCache
	unlock func()
}

func openEntry(root, name string, most int64) (*cacheEntry, error) {
	dir := filepath.Join(root, name)
	unlock, err := lockFile(lockPath(root, name))
	if err != nil {
		return nil, fmt.Errorf("lock code cache: %w", err)
	}
	e := &cacheEntry{dir: dir, most: most, sealed: sealFits(dir), unlock: unlock}
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

// engineVersion is that of the engine which this program was built with.
var engineVersion = sync.OnceValue(func() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range info.Deps {
			if dep.Path == "github.com/tetratelabs/wazero" {
				return dep.Version
			}
		}
	}
	return "devel"
})

// entryName is the module's, that of the engine, and that of what is done to the module.
// Processors and settings of the engine have names of their own within the entry.
func entryName(req request) string {
	name := fmt.Sprintf("%s-%s-%d", strings.ToLower(req.ModuleID), engineVersion(), rewrite.Version)
	for _, o := range []struct {
		on     bool
		letter string
	}{{req.Rewrite.NaN, "n"}, {req.Rewrite.Depth, "d"}, {req.Rewrite.Fuel, "f"}, {req.Rewrite.OldFuel, "o"}} {
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
	pruneEntries(filepath.Dir(e.dir), e.most)
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

// keptEntry is an entry as it lies on the disk.
type keptEntry struct {
	dir  string
	used time.Time
	size int64
}

// pruneEntries removes the entries that were not used for longest, until the rest are few
// enough and have no more bytes than most, if that is not 0; the newest stays. One that is in
// use meanwhile is only compiled again some day.
func pruneEntries(root string, most int64) {
	entries, err := keptEntries(root)
	if err != nil {
		return
	}
	slices.SortFunc(entries, func(a, b keptEntry) int {
		return cmp.Or(b.used.Compare(a.used), cmp.Compare(a.dir, b.dir))
	})
	var size int64
	for i, e := range entries {
		size += e.size
		if i >= entriesKept || i > 0 && most > 0 && size > most {
			_ = os.RemoveAll(e.dir)
		}
	}
}

// keptEntries are all of them, those too that were never sealed, since the process ended that
// made them.
func keptEntries(root string) (list []keptEntry, err error) {
	dirs, err := os.ReadDir(root)
	for _, d := range dirs {
		if !d.IsDir() {
			continue
		}
		e := keptEntry{dir: filepath.Join(root, d.Name())}
		if info, err := os.Stat(filepath.Join(e.dir, sealName)); err == nil {
			e.used = info.ModTime()
		} else if info, err := d.Info(); err == nil {
			e.used = info.ModTime()
		}
		e.size = sizeOf(e.dir)
		list = append(list, e)
	}
	return list, err
}

// sizeOf is what the files of a directory have together.
func sizeOf(dir string) (size int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil // another process removes it, or makes it
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
			size += info.Size()
		}
		return nil
	})
	return size
}
