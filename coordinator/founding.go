package coordinator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/jobs"
)

// OperatorDir is where the coordinator that founded a grid keeps its
// operator's identity, below its data directory.
func OperatorDir(dataDir string) string { return filepath.Join(dataDir, "operator") }

// foundIfNew founds a grid where that was asked for and the directory does not
// belong to one.
func (c *Coordinator) foundIfNew(address string) error {
	if !c.cfg.Bootstrap {
		return nil
	}
	there, err := identity.Load(c.cfg.Dir)
	if err == nil {
		return c.mayBootstrap(there.Identity)
	}
	if !errors.Is(err, identity.ErrNoIdentity) {
		return err
	}
	if err := checkClock(time.Now()); err != nil {
		return err
	}
	if err := found(c.cfg.Dir, address); err != nil {
		return fmt.Errorf("found grid: %w", err)
	}
	return nil
}

// checkClock refuses a time that is before this program was written: what a grid's
// authority certifies then has ended when the clock is set.
func checkClock(now time.Time) error {
	if now.Before(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)) {
		return problem.Invalid("set this machine's clock right", "found grid: this machine's clock says %s", now.UTC().Format(time.DateTime+" MST"))
	}
	return nil
}

// mayBootstrap refuses a directory of what did not found its grid: a node that joined one
// would begin a second under its name. Other roles are refused by whoever opens it.
func (c *Coordinator) mayBootstrap(id *identity.Identity) error {
	if id.Role != jobs.Coordinator {
		return nil
	}
	operator, err := identity.Load(OperatorDir(c.cfg.Dir))
	if err == nil && operator.Identity.Grid != id.Grid {
		err = fmt.Errorf("%s is of grid %s", OperatorDir(c.cfg.Dir), operator.Identity.Grid)
	}
	if err != nil {
		return problem.Invalid("start this coordinator without --bootstrap, or give it another --data to found a new grid",
			"bootstrap %s: it belongs to grid %s, which it did not found: %w", c.cfg.Dir, id.Grid, err)
	}
	return nil
}

// found makes a new grid's authority, and certifies its first coordinator and
// its operator.
func found(dir, address string) error {
	authority, err := identity.NewAuthority()
	if err != nil {
		return err
	}
	operator, err := certify(authority, OperatorDir(dir), jobs.Operator, address)
	if err != nil {
		return err
	}
	if err := operator.Save(OperatorDir(dir)); err != nil {
		return err
	}
	self, err := certify(authority, dir, jobs.Coordinator, address)
	if err != nil {
		return err
	}
	self.Authorities = identity.NewAuthorities(authority)
	return self.Save(dir)
}

func certify(a *identity.Authority, dir string, role jobs.Role, address string) (*identity.Directory, error) {
	key, err := identity.OpenKey(dir)
	if err != nil {
		return nil, err
	}
	var hosts []string
	if role == jobs.Coordinator {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		hosts = []string{host}
	}
	der, err := a.Issue(key.Public(), role, hosts)
	if err != nil {
		return nil, err
	}
	id, err := identity.New(key, der, a.Certificate())
	if err != nil {
		return nil, err
	}
	return &identity.Directory{Identity: id, Owner: string(jobs.OperatorOwner), Coordinators: []string{address}}, nil
}

// checkSaboteurs waits until the state is there, and refuses to go on if another share
// was asked for than it has.
func (c *Coordinator) checkSaboteurs(ctx context.Context) error {
	if c.cfg.Saboteurs == 0 {
		return nil
	}
	for ctx.Err() == nil {
		var grid string
		var share jobs.Prob
		c.replica.View(func(s *jobs.State) { grid, share = s.Grid, cmp.Or(s.Saboteurs, jobs.DefaultSaboteurs) })
		if grid != "" && share != c.cfg.Saboteurs {
			return problem.Invalid("start this coordinator without --saboteurs, or found a new grid in another --data",
				"bootstrap %s: its grid takes a share of %v of strangers for saboteurs, which cannot be changed to %v", c.cfg.Dir, share, c.cfg.Saboteurs)
		}
		if grid != "" {
			return nil
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	return nil
}

// foundState proposes the grid's first command, where that has not been done.
func (c *Coordinator) foundState(ctx context.Context) error {
	founded := false
	c.replica.View(func(s *jobs.State) { founded = s.Grid != "" })
	if founded {
		return nil
	}
	operator, err := identity.Load(OperatorDir(c.cfg.Dir))
	if err != nil {
		return fmt.Errorf("found grid: %w", err)
	}
	_, err = c.desk.Propose(ctx, jobs.Command{Found: &jobs.FoundGrid{
		Grid: c.base.Identity.Grid, Coordinator: c.base.Identity.Node(), Operator: operator.Identity.Node(),
		Saboteurs: c.cfg.Saboteurs,
	}})
	return err
}

// bootstrap makes the first voter of the grid that this node founded: in one that has
// begun, it would be a second group with a state of its own.
func (c *Coordinator) bootstrap() error {
	if _, err := os.Stat(c.begun()); !errors.Is(err, fs.ErrNotExist) {
		return problem.Invalid("start this coordinator without --bootstrap, and it will catch up from the other coordinators; if none is left the grid is lost: start a new one in an empty directory",
			"bootstrap %s: its grid has begun, and the log is gone", c.cfg.Dir)
	}
	return c.replica.Bootstrap()
}

// begun is a file that is there once this coordinator has had a log. It does not lie
// beside the log, so that it stays where the log is lost.
func (c *Coordinator) begun() string { return filepath.Join(c.cfg.Dir, "begun") }

func (c *Coordinator) markBegun() error {
	if !c.replica.Bootstrapped() {
		return nil
	}
	if err := os.WriteFile(c.begun(), nil, 0o600); err != nil {
		return fmt.Errorf("mark that the grid has begun: %w", err)
	}
	return nil
}
