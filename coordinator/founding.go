package coordinator

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"path/filepath"

	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/membership"
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
	if _, err := identity.Load(c.cfg.Dir); !errors.Is(err, identity.ErrNoIdentity) {
		return err
	}
	if err := found(c.cfg.Dir, address); err != nil {
		return fmt.Errorf("found grid: %w", err)
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
	self.Authority = authority
	self.GossipKey = make([]byte, membership.KeySize)
	rand.Read(self.GossipKey) // never fails
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
