package sdk

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/lab/fakegrid"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

func TestTokenJoinConnect(t *testing.T) {
	fake := fakegrid.Start(t, 2)
	operator, err := Connect(t.Context(), Config{Grid: fake.Client(t, jobs.Operator)})
	if err != nil {
		t.Fatal(err)
	}
	defer operator.Close()
	token, err := operator.CreateToken(t.Context(), &anthillv1.CreateTokenRequest{Role: anthillv1.Role_ROLE_SUBMITTER})
	if err != nil {
		t.Fatal(err)
	}
	fake.Kill(0) // the token's first coordinator
	dir := filepath.Join(t.TempDir(), "mine")
	got, err := Join(t.Context(), token.GetToken(), dir, JoinOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got.Grid != fake.Authority.Grid() || got.Role != jobs.Submitter || got.Owner != "tester" || len(got.Coordinators) != 2 {
		t.Errorf("got %+v", got)
	}
	grid, err := Connect(t.Context(), Config{Grid: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer grid.Close()
	if _, err := grid.Nodes(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := Join(t.Context(), token.GetToken(), dir, JoinOptions{}); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), "has an identity already") {
		t.Errorf("joined twice: %v", err)
	}
	other := fakegrid.Start(t, 1)
	_, err = Join(t.Context(), other.Token(t, jobs.Submitter).String(), dir, JoinOptions{})
	if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), "of grid "+got.Grid+", and the token is for another grid, that of the coordinators at "+other.Addresses()[0]) {
		t.Errorf("joined another grid in the same place: %v", err)
	}
}

func TestJoinErrors(t *testing.T) {
	fake := fakegrid.Start(t, 1)
	unknown, err := identity.NewToken(fake.Authority.Fingerprint(), jobs.Submitter, fake.Addresses())
	if err != nil {
		t.Fatal(err)
	}
	foreign := fake.Token(t, jobs.Submitter)
	foreign.CA[0]++
	tests := []struct {
		name, token, want, next string
		kind                    error
	}{
		{"no token", "hello", "join token:", "copy the whole token", ErrInvalid},
		{"worker's", fake.Token(t, jobs.Worker).String(), "the token is for a worker", "anthill worker --join", ErrInvalid},
		{"unknown", unknown.String(), "token: unknown or used up", "anthill token create --role submitter", ErrRefused},
		{"other grid", foreign.String(), "its authority is another", "new token", ErrRefused},
	}
	for _, tt := range tests {
		dir := filepath.Join(t.TempDir(), "mine")
		_, err := Join(t.Context(), tt.token, dir, JoinOptions{})
		if !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.want) || !strings.Contains(NextStep(err), tt.next) {
			t.Errorf("%s: got %v, next %q", tt.name, err, NextStep(err))
		}
		if _, err := identity.Load(dir); !errors.Is(err, identity.ErrNoIdentity) {
			t.Errorf("%s: left an identity: %v", tt.name, err)
		}
	}
}
