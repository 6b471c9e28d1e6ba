package enrol_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/anthill-grid/anthill/internal/enrol"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/lab/fakegrid"
	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/jobs"
)

func config(t *testing.T, token identity.Token) enrol.Config {
	t.Helper()
	key, err := identity.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return enrol.Config{Token: token, Key: key, Role: token.Role, Address: "127.0.0.1:7000", Patience: 5 * time.Second}
}

func TestEnrolByTheSecondAddress(t *testing.T) {
	fake := fakegrid.Start(t, 2)
	cfg := config(t, fake.Token(t, jobs.Worker))
	fake.Kill(0)
	got, err := enrol.Enrol(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	id := got.Directory.Identity
	if id.Node() != cfg.Key.Node() || id.Role != jobs.Worker || id.Grid != fake.Authority.Grid() {
		t.Errorf("enrolled as %+v", id.Peer())
	}
	if list := got.Directory.Coordinators; len(list) != 2 || list[1] != fake.Addresses()[1] {
		t.Errorf("coordinators %v", list)
	}
	if got.Directory.Authorities != nil {
		t.Error("a worker got the authority")
	}
}

// A coordinator that answers no handshake costs a head start.
func TestEnrolPastASilentAddress(t *testing.T) {
	fake := fakegrid.Start(t, 1)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	cfg := config(t, fake.Token(t, jobs.Worker))
	cfg.Token.Addresses = []string{silent.Addr().String(), fake.Addresses()[0]}
	began := time.Now()
	if _, err := enrol.Enrol(t.Context(), cfg); err != nil || time.Since(began) > 2*time.Second {
		t.Errorf("%v after %v", err, time.Since(began))
	}
}

// What stands at another coordinator's address keeps nobody out of the grid.
func TestEnrolPastAnImpostor(t *testing.T) {
	fake, other := fakegrid.Start(t, 1), fakegrid.Start(t, 1)
	cfg := config(t, fake.Token(t, jobs.Worker))
	cfg.Token.Addresses = []string{other.Addresses()[0], fake.Addresses()[0]}
	if _, err := enrol.Enrol(t.Context(), cfg); err != nil {
		t.Error(err)
	}
}

// A node hears how wrong its clock is, and is let in all the same.
func TestEnrolTellsOfAWrongClock(t *testing.T) {
	fake := fakegrid.Start(t, 1)
	for ahead, want := range map[time.Duration]string{25 * time.Hour: "25 h behind the grid's", -25 * time.Hour: "25 h ahead of the grid's", 0: ""} {
		fake.ClockAhead = ahead
		got, err := enrol.Enrol(t.Context(), config(t, fake.Token(t, jobs.Worker)))
		if err != nil || got.Skew.IsWrong() != (want != "") || want != "" && got.Skew.Advice() != "this machine's clock is "+want+": set it right" {
			t.Errorf("a grid whose time is ahead by %v: %v, %v", ahead, got.Skew, err)
		}
	}
}

// All that was tried is told, and why it failed.
func TestEnrolNamesEachAddress(t *testing.T) {
	fake := fakegrid.Start(t, 1)
	cfg := config(t, fake.Token(t, jobs.Worker))
	cfg.Token.Addresses = []string{"127.0.0.1:1", "nosuch.invalid:7000"}
	cfg.Patience = time.Millisecond
	_, err := enrol.Enrol(t.Context(), cfg)
	if err == nil {
		t.Fatal("it enrolled")
	}
	for _, want := range []string{"127.0.0.1:1 (", "refused", "nosuch.invalid:7000 (", "lookup"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
}

func TestEnrolWaitsForACoordinator(t *testing.T) {
	fake := fakegrid.Start(t, 1)
	cfg := config(t, fake.Token(t, jobs.Submitter))
	fake.Kill(0)
	time.AfterFunc(500*time.Millisecond, func() {
		fake.Fail(status.Error(codes.Unavailable, "no leader yet"))
		fake.Restart(t, 0)
	})
	if _, err := enrol.Enrol(t.Context(), cfg); err != nil {
		t.Error(err)
	}
}

func TestEnrolErrors(t *testing.T) {
	fake := fakegrid.Start(t, 1)
	used := fake.Token(t, jobs.Worker)
	used.Secret[0]++
	foreign := fake.Token(t, jobs.Worker)
	foreign.CA[0]++
	gone := fake.Token(t, jobs.Worker)
	gone.Addresses = []string{"127.0.0.1:1"}
	wrongRole := config(t, fake.Token(t, jobs.Worker))
	wrongRole.Role = jobs.Coordinator
	tests := []struct {
		name       string
		cfg        enrol.Config
		kind       error
		want, next string
	}{
		{"used up", config(t, used), problem.ErrRefused, "token: unknown or used up", "token create --role worker"},
		{"another grid", config(t, foreign), problem.ErrRefused, "its authority is another", "token create --role worker"},
		{"nobody there", config(t, gone), problem.ErrUnavailable, "no coordinator answers at 127.0.0.1:1", "runs"},
		{"wrong role", wrongRole, problem.ErrInvalid, "the token is for a worker, not for a coordinator", "--role coordinator"},
	}
	for _, tt := range tests {
		tt.cfg.Patience = 200 * time.Millisecond
		_, err := enrol.Enrol(t.Context(), tt.cfg)
		if !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.want) || !strings.Contains(problem.Next(err), tt.next) {
			t.Errorf("%s: got %v, next %q", tt.name, err, problem.Next(err))
		}
		if strings.Contains(err.Error(), "rpc error") {
			t.Errorf("%s: raw gRPC: %v", tt.name, err)
		}
	}
}

func TestEnrolEndsWithTheContext(t *testing.T) {
	fake := fakegrid.Start(t, 1)
	cfg := config(t, fake.Token(t, jobs.Worker))
	fake.Kill(0)
	cfg.Patience = time.Minute
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err := enrol.Enrol(ctx, cfg); err == nil || time.Since(start) > 10*time.Second {
		t.Errorf("got %v after %v", err, time.Since(start))
	}
}

// TestEnrolTellsWhatItWaitsFor within five seconds, once.
func TestEnrolTellsWhatItWaitsFor(t *testing.T) {
	t.Parallel()
	fake := fakegrid.Start(t, 1)
	cfg := config(t, fake.Token(t, jobs.Worker))
	fake.Kill(0)
	var told []string
	done := make(chan struct{})
	cfg.Patience, cfg.Waiting = 4*time.Second, func(text string) { told = append(told, text); close(done) }
	if _, err := enrol.Enrol(t.Context(), cfg); !errors.Is(err, problem.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	<-done
	if len(told) != 1 || told[0] != "no coordinator answers yet (trying "+fake.Addresses()[0]+"): trying for 4s in all" {
		t.Errorf("it was told %q", told)
	}
}
