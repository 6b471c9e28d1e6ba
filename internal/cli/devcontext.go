package cli

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/anthill-grid/anthill/internal/contexts"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/node"
	"github.com/anthill-grid/anthill/internal/problem"
)

const (
	// devName is the context that `anthill dev` writes.
	devName = "dev"
	// devBefore is a file in it that keeps which context was current before.
	devBefore = "before"
)

// devContext is the context "dev" while it belongs to this process.
type devContext struct {
	dir    string
	lock   io.Closer
	before string
	none   error // why there is no context; the rest is empty then
}

// takeDevContext locks the context, or refuses where another process has it or somebody
// joined a grid by this name. A user without a home does without a context.
func takeDevContext() (*devContext, error) {
	dir, err := contexts.Make(devName)
	if err != nil {
		return &devContext{none: err}, nil
	}
	if isForeign(dir) {
		return nil, problem.Invalid("remove that directory, or give this grid contexts of its own: ANTHILL_HOME=DIR anthill dev",
			"the context %q in %s is that of another grid", devName, dir)
	}
	lock, err := node.Lock(dir)
	if errors.Is(err, problem.ErrInvalid) {
		return nil, problem.Invalid("use that one, or give this one contexts of its own: ANTHILL_HOME=DIR anthill dev",
			"another `anthill dev` runs, and has the context %q", devName)
	}
	if err != nil {
		return &devContext{none: err}, nil
	}
	c := &devContext{dir: dir, lock: lock}
	if c.before, err = contextBefore(dir); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return c, nil
}

// isForeign tells a context that has an identity but was never locked by a dev grid.
func isForeign(dir string) bool {
	if _, err := identity.Load(dir); errors.Is(err, identity.ErrNoIdentity) {
		return false
	}
	_, err := os.Stat(filepath.Join(dir, "lock"))
	return errors.Is(err, fs.ErrNotExist)
}

// contextBefore is the current context or, where a dev grid was killed, the one before it.
func contextBefore(dir string) (string, error) {
	current, err := contexts.Current()
	if err != nil || current != devName {
		return current, err
	}
	data, err := os.ReadFile(filepath.Join(dir, devBefore))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return strings.TrimSpace(string(data)), err
}

// use writes the context of an operator, and makes it the current one.
func (c *devContext) use(operatorDir string) error {
	if c.none != nil {
		return c.none
	}
	operator, err := identity.Load(operatorDir)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(c.dir, devBefore), []byte(c.before+"\n"), 0o600); err != nil {
		return err
	}
	if err := operator.Save(c.dir); err != nil {
		return err
	}
	return contexts.Use(devName)
}

// giveBack removes the context, and makes current the one that was before, unless the
// user has chosen another.
func (c *devContext) giveBack() {
	if c.none != nil {
		return
	}
	current, err := contexts.Current()
	os.RemoveAll(c.dir)
	if err == nil && current == devName && c.before != "" {
		_ = contexts.Use(c.before) // it may be gone meanwhile
	}
	_ = c.lock.Close()
}
