// Package contexts finds the grids that this user can reach. A context is a
// directory with an identity (internal/identity.Directory), kept by name under
// the user's configuration directory; a file "current" names the one that is
// used by default.
package contexts

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/anthill-grid/anthill/internal/problem"
)

const (
	currentFile = "current"
	// marker is the file that makes a directory a context.
	marker = "grid.json"
	howTo  = "start a grid on this machine with 'anthill dev', or join one with 'anthill join TOKEN'"
	// setHome is what helps where the user has no configuration directory, or one that
	// cannot be written.
	setHome = "set ANTHILL_HOME to a directory that can be written"
)

// Root is the directory of all contexts: $ANTHILL_HOME, or "anthill" in the
// user's configuration directory.
func Root() (string, error) {
	if home := os.Getenv("ANTHILL_HOME"); home != "" {
		return filepath.Abs(home)
	}
	config, err := os.UserConfigDir()
	if err != nil {
		return "", problem.Invalid(setHome, "find contexts: %w", err)
	}
	return filepath.Join(config, "anthill"), nil
}

// CheckName refuses what cannot be the name of a context.
func CheckName(name string) error {
	bad := strings.ContainsFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.", r))
	})
	if bad || name == "" || name == currentFile || len(name) > 64 || strings.HasPrefix(name, ".") {
		return problem.Invalid("use letters, digits, '-', '_' and '.'", "context %q: not a name", name)
	}
	return nil
}

// Dir is where the context of this name is, or would be.
func Dir(name string) (string, error) {
	if err := CheckName(name); err != nil {
		return "", err
	}
	root, err := Root()
	if err != nil {
		return "", err
	}
	return filepath.Join(root, name), nil
}

// Make is Dir, and makes the directory.
func Make(name string) (string, error) {
	dir, err := Dir(name)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", problem.Invalid(setHome, "make context %s: %w", name, err)
	}
	return dir, nil
}

// Names lists the contexts that there are, sorted.
func Names() ([]string, error) {
	root, err := Root()
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(root)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list contexts: %w", err)
	}
	var names []string
	for _, entry := range entries {
		if isContext(filepath.Join(root, entry.Name())) {
			names = append(names, entry.Name())
		}
	}
	return names, nil
}

// Current is the name of the current context, "" if there is none.
func Current() (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	data, err := os.ReadFile(filepath.Join(root, currentFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("current context: %w", err)
	}
	return strings.TrimSpace(string(data)), nil
}

// Use makes the context of this name the current one.
func Use(name string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	root, err := Root()
	if err != nil {
		return err
	}
	if err := writeCurrent(root, name); err != nil {
		return problem.Invalid(setHome, "use context %s: %w", name, err)
	}
	return nil
}

func writeCurrent(root, name string) error {
	if err := os.MkdirAll(root, 0o700); err != nil {
		return err
	}
	temp := filepath.Join(root, ".current.tmp")
	if err := os.WriteFile(temp, []byte(name+"\n"), 0o600); err != nil {
		return err
	}
	return os.Rename(temp, filepath.Join(root, currentFile))
}

// Resolve finds the identity directory of a grid: by the path of a directory,
// by the name of a context or, for "", by $ANTHILL_GRID or, if that is not set, the
// current context.
func Resolve(grid string) (string, error) {
	if grid == "" {
		grid = os.Getenv("ANTHILL_GRID")
	}
	if grid == "" {
		return resolveCurrent()
	}
	if dir, err := Dir(grid); err == nil && isContext(dir) {
		return dir, nil
	}
	if isContext(grid) {
		return filepath.Abs(grid)
	}
	return "", unknown(grid)
}

func resolveCurrent() (string, error) {
	name, err := Current()
	if err != nil {
		return "", err
	}
	if name == "" {
		return "", problem.NotFound(howTo, "find grid: no --grid, no ANTHILL_GRID and no current context")
	}
	dir, err := Dir(name)
	if err != nil {
		return "", err
	}
	if !isContext(dir) {
		return "", problem.NotFound(howTo, "find grid: the current context %q is gone", name)
	}
	return dir, nil
}

func unknown(grid string) error {
	names, err := Names()
	if err != nil {
		return err
	}
	next := howTo
	if len(names) > 0 {
		slices.Sort(names)
		next = "known contexts: " + strings.Join(names, ", ")
	}
	return problem.NotFound(next, "find grid %q: no context of that name, and no directory with a %s", grid, marker)
}

func isContext(dir string) bool {
	info, err := os.Stat(filepath.Join(dir, marker))
	return err == nil && info.Mode().IsRegular()
}
