package sdk

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/anthill-grid/anthill/internal/enrol"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/jobs"
)

// Membership is what a token was traded for.
type Membership struct {
	// Grid is the grid's id.
	Grid string
	Role jobs.Role
	// Owner is who is accountable for what this identity does.
	Owner string
	// Coordinators are their addresses, HOST:PORT.
	Coordinators []string
	// ClockAhead is how far this machine's clock is ahead of the grid's; negative:
	// behind. It is 0 if that is not worth a word.
	ClockAhead time.Duration
}

// JoinOptions say how to join.
type JoinOptions struct {
	// Waiting, where set, is told once when no coordinator has answered for some
	// seconds.
	Waiting func(text string)
}

// Join trades a token for an identity, as a submitter or an operator, and saves
// it in a directory that Connect takes as Config.Grid. It is an error of kind
// ErrInvalid if the token is none, is for a node, or the directory has an
// identity, and of kind ErrRefused if the token is used up or has expired.
func Join(ctx context.Context, token, dir string, opts JoinOptions) (*Membership, error) {
	parsed, err := identity.ParseToken(token)
	if err != nil {
		return nil, problem.Invalid("copy the whole token as 'anthill token create' printed it", "%w", err)
	}
	if err := checkClientRole(parsed.Role); err != nil {
		return nil, err
	}
	if err := checkVacant(dir, parsed); err != nil {
		return nil, err
	}
	key, err := identity.OpenKey(dir)
	if err != nil {
		return nil, fmt.Errorf("join: %w", err)
	}
	enrolment, err := enrol.Enrol(ctx, enrol.Config{Token: parsed, Key: key, Role: parsed.Role, Waiting: opts.Waiting})
	if err != nil {
		return nil, err
	}
	got := enrolment.Directory
	if err := got.Save(dir); err != nil {
		return nil, fmt.Errorf("join: %w", err)
	}
	m := &Membership{Grid: got.Identity.Grid, Role: got.Identity.Role, Owner: got.Owner, Coordinators: got.Coordinators}
	if enrolment.Skew.IsWrong() {
		m.ClockAhead = time.Duration(enrolment.Skew)
	}
	return m, nil
}

// checkVacant refuses a directory that has an identity: nobody's is written over.
func checkVacant(dir string, token identity.Token) error {
	there, err := identity.Load(dir)
	switch {
	case errors.Is(err, identity.ErrNoIdentity):
		return nil
	case err != nil:
		return fmt.Errorf("join: %w", err)
	case there.Identity.Trusts(token.CA):
		return problem.Invalid("use it with --grid, or choose another name",
			"join: %s has an identity already, a %v's of this grid, %s", dir, there.Identity.Role, there.Identity.Grid)
	}
	return problem.Invalid("choose another name, or remove that directory",
		"join: %s has an identity already, of grid %s, and the token is for another grid, that of the coordinators at %s",
		dir, there.Identity.Grid, strings.Join(token.Addresses, ", "))
}

func checkClientRole(role jobs.Role) error {
	switch role {
	case jobs.Submitter, jobs.Operator:
		return nil
	}
	return problem.Invalid(fmt.Sprintf("use it with: anthill %s --join TOKEN", role),
		"join: the token is for a %s, not for a submitter", role)
}
