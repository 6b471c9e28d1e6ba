// Package node is how coordinators and workers start alike: a listener with an
// address that others can reach, and an identity, from disk or for a token.
package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/anthill-grid/anthill/internal/enrol"
	"github.com/anthill-grid/anthill/internal/identity"
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

// Open loads the node's identity or, where there is none yet, trades its token
// for one. A node that is enrolled does not need its token any more, but one that
// contradicts what it is makes it stop.
func Open(ctx context.Context, cfg Config) (*identity.Directory, error) {
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
	if err := wake(ctx, cfg, dir); err != nil {
		return nil, err
	}
	if skew := enrol.Skew(-dir.Identity.Behind()); skew.IsWrong() {
		cfg.warn(fmt.Sprintf("this machine's clock is at least %v: set it right", skew))
	}
	return dir, nil
}

// wake sees to it that the certificate is valid: a coordinator makes its own.
func wake(ctx context.Context, cfg Config, dir *identity.Directory) error {
	if dir.Authorities == nil {
		return enrol.Wake(ctx, dir, cfg.Dir)
	}
	if !dir.Identity.Due(time.Now()) {
		return nil
	}
	if err := dir.RenewSelf(cfg.Address); err != nil {
		return err
	}
	return dir.Save(cfg.Dir)
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
	case !id.Trusts(token.CA):
		return problem.Invalid("give this node another --data, or start it without --join",
			"open %s: it belongs to grid %s, and the token is for another grid, that of the coordinators at %s",
			cfg.Dir, id.Grid, strings.Join(token.Addresses, ", "))
	case token.Role != cfg.Role:
		return problem.Invalid("start it without --join: it needs no token any more",
			"open %s: it belongs to a %v of grid %s, and the token is for a %v", cfg.Dir, cfg.Role, id.Grid, token.Role)
	}
	return nil
}

func join(ctx context.Context, cfg Config) (*identity.Directory, error) {
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
	got, err := enrol.Enrol(ctx, enrol.Config{Token: token, Key: key, Role: cfg.Role, Address: cfg.Address, Waiting: cfg.warn})
	if err != nil {
		return nil, err
	}
	if got.Skew.IsWrong() {
		cfg.warn(got.Skew.Advice())
	}
	return got.Directory, got.Directory.Save(cfg.Dir)
}
