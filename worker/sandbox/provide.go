package sandbox

import (
	"context"
	"os"
	"path/filepath"
	"time"
)

// lockPoll is how often a slot looks whether another has done with an entry.
const lockPoll = 20 * time.Millisecond

// provide sees to it that the cache has the code of a task's module, and gives the entry:
// "" if the task has to do without. If the module cannot be compiled, result says so.
func (s *Slot) provide(ctx context.Context, t Task, req request) (entry string, result *Result, err error) {
	if s.interpreter {
		return "", nil, nil
	}
	dir := filepath.Join(s.cacheDir, entryName(req))
	if s.child != nil && s.code == dir {
		return dir, nil, nil // it was looked at when this child began with it
	}
	unlock, err := s.lock(ctx, lockPath(s.cacheDir, filepath.Base(dir)))
	if err != nil || unlock == nil {
		return "", nil, err
	}
	defer unlock()
	if !sealFits(s.sealKey, dir) {
		made, result, err := s.make(ctx, t, req, dir)
		if err != nil || result != nil || !made {
			return "", result, err
		}
	}
	s.code = dir
	return dir, nil, nil
}

// lock waits for an entry's lock; nil without an error where there can be none.
func (s *Slot) lock(ctx context.Context, path string) (unlock func(), err error) {
	for {
		unlock, err := tryLock(path)
		if err != nil {
			s.logger.Debug("failed to lock the code cache", "error", err)
			return nil, nil
		}
		if unlock != nil {
			return unlock, nil
		}
		select {
		case <-time.After(lockPoll):
		case <-s.closed:
			return nil, ErrClosed
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// make has a child compile a module that runs no guest, before or after, and seals what it
// has made.
func (s *Slot) make(ctx context.Context, t Task, req request, dir string) (made bool, result *Result, err error) {
	making, err := os.MkdirTemp(s.cacheDir, "making-")
	if err != nil {
		s.logger.Debug("failed to write the code cache", "error", err)
		return false, nil, nil
	}
	defer os.RemoveAll(making)
	defer s.aside()()
	if err := s.start(ctx, setup{Writable: making, Readable: s.readable}); err != nil {
		return false, nil, err
	}
	req.Entry, req.Compile = making, true
	kept := false
	r, err := s.have(ctx, t, req, &kept)
	switch {
	case err != nil:
		return false, nil, err
	case r.Status != Exited:
		return false, &r, nil
	case !kept:
		return false, nil, nil
	}
	s.discard() // before what it has written is looked at
	if err := install(s.sealKey, making, dir); err != nil {
		s.logger.Debug("failed to write the code cache", "error", err)
		return false, nil, nil
	}
	pruneEntries(s.cacheDir, s.cacheSize)
	return true, nil, nil
}

// aside makes room for another child, until what it returns is called.
func (s *Slot) aside() (back func()) {
	runner, standing := s.child, s.walls
	s.child = nil
	return func() {
		s.discard()
		if s.child = runner; runner != nil {
			s.walls = standing
			_ = s.gate.adopt(runner) // one that is gone is replaced before it is used
		}
	}
}

// start starts a child within these walls.
func (s *Slot) start(ctx context.Context, within setup) error {
	child, err := startProcess(s.command, s.cacheDir)
	if err != nil {
		return err
	}
	if s.walls, err = s.greet(ctx, child, within); err != nil {
		child.kill()
		return err
	}
	s.child = child
	s.logger.Debug("sandbox child started", "pid", child.cmd.Process.Pid, "walls", s.walls.String())
	return s.gate.adopt(child)
}
