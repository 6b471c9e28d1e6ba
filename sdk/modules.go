package sdk

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/anthill-grid/anthill/internal/steady"
)

// maxModules bounds a script's modules, in bytes.
const maxModules = 256 << 20

// native are the endings of files that only run on the machine that they were built for.
var native = []string{".so", ".pyd", ".dylib", ".dll"}

const nativeNext = "an interpreter in WASM loads no native code: use a package that is all Python"

// modulePack is what goes into the archive that Python imports from: the same bytes for
// the same files, so that it is stored once.
type modulePack struct {
	file  *JobFile
	files map[string][]byte
	from  map[string]string // which entry of the job file a file is from
	size  int
}

// packModules puts a script's modules together.
func (f *JobFile) packModules(into string) error {
	p := &modulePack{file: f, files: map[string][]byte{}, from: map[string]string{}}
	for _, entry := range f.Modules {
		if err := p.add(entry); err != nil {
			return err
		}
	}
	out, err := os.Create(into)
	if err != nil {
		return fmt.Errorf("pack modules: %w", err)
	}
	return errors.Join(p.write(out), out.Close())
}

// add takes a directory, a file or a wheel. A directory that is a package keeps its name;
// of another one the contents count.
func (p *modulePack) add(entry string) error {
	full := p.file.Resolve(entry)
	if err := p.file.checkInside("modules", full); err != nil {
		return err
	}
	info, err := os.Stat(full)
	switch {
	case err != nil:
		return p.file.wrong("modules", "paths are relative to the job file; looked for "+full, "%s: %w", entry, reason(err))
	case info.IsDir():
		prefix := ""
		if _, err := os.Stat(filepath.Join(full, "__init__.py")); err == nil {
			prefix = filepath.Base(full) + "/"
		}
		return p.addDir(entry, full, prefix)
	case strings.HasSuffix(entry, ".whl"), strings.HasSuffix(entry, ".zip"):
		return p.addWheel(entry, full)
	case strings.HasSuffix(entry, ".py"):
		return p.addFile(entry, full, filepath.Base(full))
	}
	return p.file.wrong("modules", "give directories, .py files, and wheels", "%s is none of what Python imports from", entry)
}

func (p *modulePack) addDir(entry, root, prefix string) error {
	return filepath.WalkDir(root, func(full string, d fs.DirEntry, err error) error {
		if err != nil {
			return p.file.wrong("modules", "give a directory that you can read", "%s: %w", entry, err)
		}
		name := d.Name()
		if full != root && (name == "__pycache__" || strings.HasPrefix(name, ".")) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if info, err := os.Stat(full); err != nil || !info.Mode().IsRegular() {
			return nil // directories, and what leads nowhere
		}
		if err := p.file.checkInside("modules", full); err != nil {
			return err
		}
		inside, err := filepath.Rel(root, full)
		if err != nil {
			return err
		}
		return p.addFile(entry, full, prefix+filepath.ToSlash(inside))
	})
}

func (p *modulePack) addFile(entry, full, name string) error {
	content, err := steady.ReadAll(full, maxModules)
	if err != nil {
		return p.file.unread("modules", err)
	}
	return p.keep(entry, name, content)
}

func (p *modulePack) addWheel(entry, full string) error {
	wheel, err := zip.OpenReader(full)
	if err != nil {
		return p.file.wrong("modules", "fetch it anew", "%s: %w", entry, err)
	}
	defer wheel.Close()
	for _, f := range wheel.File {
		if f.FileInfo().IsDir() {
			continue
		}
		if !fs.ValidPath(f.Name) {
			return p.file.wrong("modules", "fetch it anew", "%s: %.100q is no path", entry, f.Name)
		}
		content, err := readZipped(f)
		if err != nil {
			return p.file.wrong("modules", "fetch it anew", "%s: %s: %w", entry, f.Name, err)
		}
		if err := p.keep(entry, f.Name, content); err != nil {
			return err
		}
	}
	return nil
}

func readZipped(f *zip.File) ([]byte, error) {
	in, err := f.Open()
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(io.LimitReader(in, maxModules+1))
	return content, errors.Join(err, in.Close())
}

func (p *modulePack) keep(entry, name string, content []byte) error {
	if slices.Contains(native, path.Ext(name)) || strings.Contains(path.Base(name), ".so.") {
		return p.file.wrong("modules", nativeNext, "%s: %s is native code", entry, name)
	}
	if path.Ext(name) == ".pyc" {
		return nil // of another Python, most likely
	}
	if was, twice := p.files[name]; twice && !bytes.Equal(was, content) {
		return p.file.wrong("modules", "leave one of them out", "%s is in %s and in %s, and differs", name, p.from[name], entry)
	}
	if p.size += len(content); p.size > maxModules {
		return p.file.wrong("modules", "leave out what the script does not import", "they have more than %d bytes", maxModules)
	}
	p.files[name], p.from[name] = content, entry
	return nil
}

// write compresses nothing: Python would unpack it again in every task.
func (p *modulePack) write(out io.Writer) error {
	z := zip.NewWriter(out)
	names := make([]string, 0, len(p.files))
	for name := range p.files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err == nil {
			_, err = w.Write(p.files[name])
		}
		if err != nil {
			return fmt.Errorf("pack modules: %w", err)
		}
	}
	return z.Close()
}
