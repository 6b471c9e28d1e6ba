package sandbox

import (
	"cmp"
	"crypto/hmac"
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

// An entry of the cache is the directory of one module, as it was rewritten, and of its
// native code, which runs as it is. So no process that runs a guest can write there: a
// child of its own compiles the module into a new directory and ends, and the parent seals
// that with a code by a key that no child has, and moves it to its place. An entry whose
// seal does not fit is thrown away.
//
// It is locked while it is looked at or made: of the slots that want the same new module,
// one has it compiled and the others wait. The 256 locks are shared by all entries, and
// never removed: with a new file in the place of one that is waited for, two could have the
// lock. Who reads an entry does not hold it: one that goes meanwhile costs time.

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

// sealOf is what stands in an entry's seal.
func sealOf(key []byte, dir, name string) (string, error) {
	sum, err := hashDir(dir)
	if err != nil {
		return "", err
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s\n%s", name, sum)
	return hex.EncodeToString(mac.Sum(nil)), nil
}

// sealFits says whether an entry is as it was made, and notes that it is used.
func sealFits(key []byte, dir string) bool {
	path := filepath.Join(dir, sealName)
	have, err := os.ReadFile(path)
	if err != nil {
		return false
	}
	want, err := sealOf(key, dir, filepath.Base(dir))
	if err != nil || !hmac.Equal(have, []byte(want)) {
		return false
	}
	now := time.Now()
	_ = os.Chtimes(path, now, now)
	return true
}

// install seals what was made of a module, and moves it to its place.
func install(key []byte, making, dir string) error {
	seal, err := sealOf(key, making, filepath.Base(dir))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(making, sealName), []byte(seal), 0o600); err != nil {
		return err
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.Rename(making, dir)
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
