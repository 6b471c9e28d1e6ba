// Package node is how coordinators and workers start alike: a listener with an
// address that others can reach, and an identity, from disk or for a token.
package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/anthill-grid/anthill/internal/enrol"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/membership"
	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/jobs"
)

// Config says which node starts, and where.
type Config struct {
	Dir     string
	Role    jobs.Role
	Token   string // empty: the node has been here before
	Address string // HOST:PORT at which it serves
	// Logger hears that this machine's clock is wrong; nil: nobody does.
	Logger *slog.Logger
}

// Node is an enrolled node.
type Node struct {
	*identity.Directory
	// Gossip are the addresses to join the gossip at, as of the enrolment.
	Gossip []string
}

// gossipFile keeps Node.Gossip beside the identity.
const gossipFile = "gossip.json"

// Open loads the node's identity or, where there is none yet, trades its token
// for one. A node that is enrolled does not need its token any more, but one that
// contradicts what it is makes it stop.
func Open(ctx context.Context, cfg Config) (*Node, error) {
	dir, err := identity.Load(cfg.Dir)
	switch {
	case errors.Is(err, identity.ErrNoIdentity):
		return join(ctx, cfg)
	case err != nil:
		return nil, err
	case dir.Identity.Role != cfg.Role:
		return nil, problem.Invalid("give this node a data directory of its own",
			"open %s: it belongs to a %v, not to a %v", cfg.Dir, dir.Identity.Role, cfg.Role)
	}
	if err := checkToken(cfg, dir.Identity); err != nil {
		return nil, err
	}
	if skew := enrol.Skew(-dir.Identity.Behind()); skew.IsWrong() {
		cfg.warn(fmt.Sprintf("this machine's clock is at least %v: set it right", skew))
	}
	n := &Node{Directory: dir}
	data, err := os.ReadFile(filepath.Join(cfg.Dir, gossipFile))
	if err == nil {
		err = json.Unmarshal(data, &n.Gossip)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open %s: %w", cfg.Dir, err)
	}
	return n, nil
}

func (cfg Config) warn(text string) {
	if cfg.Logger != nil {
		cfg.Logger.Warn(text, "now", time.Now())
	}
}

// checkToken refuses a token that is not one for what the node is already.
func checkToken(cfg Config, id *identity.Identity) error {
	if cfg.Token == "" {
		return nil
	}
	token, err := identity.ParseToken(cfg.Token)
	switch {
	case err != nil:
		return problem.Invalid("start it without --join: it needs no token any more", "open %s: it belongs to grid %s; %w", cfg.Dir, id.Grid, err)
	case token.CA != identity.Fingerprint(id.CA):
		return problem.Invalid("give this node another --data, or start it without --join",
			"open %s: it belongs to grid %s, and the token is for another grid, that of the coordinators at %s",
			cfg.Dir, id.Grid, strings.Join(token.Addresses, ", "))
	case token.Role != cfg.Role:
		return problem.Invalid("start it without --join: it needs no token any more",
			"open %s: it belongs to a %v of grid %s, and the token is for a %v", cfg.Dir, cfg.Role, id.Grid, token.Role)
	}
	return nil
}

func join(ctx context.Context, cfg Config) (*Node, error) {
	if cfg.Token == "" {
		return nil, problem.Invalid(fmt.Sprintf("get a token by `anthill token create --role %v` and give it with --join", cfg.Role),
			"open %s: this node has not joined a grid yet", cfg.Dir)
	}
	token, err := identity.ParseToken(cfg.Token)
	if err != nil {
		return nil, problem.Invalid("copy the whole token, on one line", "%w", err)
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("join: %w", err)
	}
	key, err := identity.OpenKey(cfg.Dir)
	if err != nil {
		return nil, err
	}
	got, err := enrol.Enrol(ctx, enrol.Config{Token: token, Key: key, Role: cfg.Role, Address: cfg.Address})
	if err != nil {
		return nil, err
	}
	if got.Skew.IsWrong() {
		cfg.warn(got.Skew.Advice())
	}
	n := &Node{Directory: got.Directory}
	for _, c := range got.Coordinators {
		if c.GetGossip() != "" {
			n.Gossip = append(n.Gossip, c.GetGossip())
		}
	}
	return n, n.save(cfg.Dir)
}

// save writes the gossip addresses first: the identity is what makes the
// directory count as enrolled.
func (n *Node) save(dir string) error {
	if err := n.saveGossip(dir); err != nil {
		return err
	}
	return n.Directory.Save(dir)
}

func (n *Node) saveGossip(dir string) error {
	data, err := json.Marshal(n.Gossip)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, gossipFile), append(data, '\n'), 0o600); err != nil {
		return fmt.Errorf("save gossip addresses: %w", err)
	}
	return nil
}

// gossipEvery is how often the node checks whether it is part of the gossip.
const gossipEvery = time.Second

// KeepGossiping joins the gossip whenever this node is alone in it, and
// remembers where the coordinators gossip for the next start. Errors are
// logged: the next round may do better.
func (n *Node) KeepGossiping(ctx context.Context, dir string, m *membership.Membership, logger *slog.Logger) {
	for ctx.Err() == nil {
		others := coordinators(m)
		if len(others) == 0 && len(n.Gossip) > 0 {
			if _, err := m.Join(n.Gossip); err != nil {
				logger.Debug("failed to join gossip", "error", err)
			}
		}
		if len(others) > 0 && !slices.Equal(others, n.Gossip) {
			n.Gossip = others
			if err := n.saveGossip(dir); err != nil {
				logger.Warn("failed to save gossip addresses", "error", err)
			}
		}
		select {
		case <-time.After(gossipEvery):
		case <-ctx.Done():
		}
	}
}

// coordinators are the gossip addresses of the other coordinators that are
// alive, sorted.
func coordinators(m *membership.Membership) []string {
	var list []string
	for _, member := range m.Members() {
		if member.Role == jobs.Coordinator && member.Status == membership.Alive && member.Gossip != m.Gossip() {
			list = append(list, member.Gossip)
		}
	}
	slices.Sort(list)
	return list
}
