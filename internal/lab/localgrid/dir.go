package localgrid

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/node"
	"github.com/anthill-grid/anthill/internal/problem"
)

// endTime is how long the processes of a grid that was killed may take to end: they do so
// when they notice.
const endTime = 15 * time.Second

// takeDir makes the grid's directory serve this process alone.
func (g *Grid) takeDir(ctx context.Context) (err error) {
	if g.lock, err = node.Lock(g.cfg.Dir); err != nil {
		return err
	}
	for i := range g.cfg.Coordinators {
		if err := g.awaitEnd(ctx, fmt.Sprintf("c%d", i+1)); err != nil {
			return err
		}
	}
	for i := range g.cfg.Workers {
		if err := g.awaitEnd(ctx, fmt.Sprintf("w%d", i+1)); err != nil {
			return err
		}
	}
	return nil
}

// awaitEnd waits until no process of an earlier grid uses the directory of this one.
func (g *Grid) awaitEnd(ctx context.Context, name string) error {
	dir := g.process(name).dir
	if _, err := os.Stat(filepath.Join(dir, "lock")); err != nil {
		return nil // it has never been used
	}
	for began, told := time.Now(), false; ; told = true {
		lock, err := node.Lock(dir)
		if err == nil {
			return lock.Close()
		}
		if !errors.Is(err, problem.ErrInvalid) || time.Since(began) > endTime {
			return err
		}
		if !told && g.cfg.Note != nil {
			g.cfg.Note(fmt.Sprintf("waiting up to %v until %s has ended, of a grid here that was killed", endTime, name))
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// isEnrolled tells whether the process has been part of the grid before.
func (p *process) isEnrolled() bool {
	_, err := identity.Load(p.dir)
	return err == nil
}
