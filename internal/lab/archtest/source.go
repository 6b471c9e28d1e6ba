package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// file is a Go file of the module.
type file struct {
	path    string // within the module, with slashes
	pkg     string // its package's path within the module; "." is the root
	name    string // its package clause
	test    bool
	imports []string
	syntax  *ast.File
	fset    *token.FileSet
}

// modulePrefix begins the import paths of this module's own packages.
const modulePrefix = "github.com/anthill-grid/anthill/"

// readModule parses every Go file below the module's root, for whatever system
// it is meant: an import of a Windows file counts as well.
func readModule(root string) ([]file, error) {
	var files []file
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && path != root && skipped(path, entry.Name()) {
			return filepath.SkipDir
		}
		if entry.IsDir() || filepath.Ext(path) != ".go" {
			return nil
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		f, err := parse(filepath.ToSlash(rel), src)
		files = append(files, f)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read module %s: %w", root, err)
	}
	return files, nil
}

// skipped says whether a directory is none of the module's packages.
func skipped(path, name string) bool {
	if name == "testdata" || name == "vendor" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") {
		return true
	}
	_, err := os.Stat(filepath.Join(path, "go.mod"))
	return err == nil
}

func parse(path string, src []byte) (file, error) {
	fset := token.NewFileSet()
	syntax, err := parser.ParseFile(fset, path, src, parser.ParseComments)
	if err != nil {
		return file{}, err
	}
	f := file{path: path, pkg: ".", name: syntax.Name.Name, syntax: syntax, fset: fset}
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		f.pkg = path[:i]
	}
	f.test = strings.HasSuffix(path, "_test.go")
	for _, spec := range syntax.Imports {
		f.imports = append(f.imports, strings.Trim(spec.Path.Value, "\"`"))
	}
	return f, nil
}

// matches says whether a package fits a pattern.
func matches(pattern, pkg string) bool {
	base, below := strings.CutSuffix(pattern, "/...")
	return pkg == base || below && strings.HasPrefix(pkg, base+"/")
}

func matchesAny(patterns []string, pkg string) bool {
	for _, p := range patterns {
		if matches(p, pkg) {
			return true
		}
	}
	return false
}

// layerOf returns the number of a package's layer, that of the most exact
// pattern, or -1.
func layerOf(pkg string) int {
	found, exact := -1, -1
	for i, l := range layers {
		for _, p := range l.patterns {
			weight := 2 * len(strings.TrimSuffix(p, "/..."))
			if !strings.HasSuffix(p, "/...") {
				weight++
			}
			if matches(p, pkg) && weight > exact {
				found, exact = i, weight
			}
		}
	}
	return found
}
