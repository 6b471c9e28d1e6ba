// Package gridtest runs grids of real processes for tests, and commands
// against them.
package gridtest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/anthill-grid/anthill/internal/lab/localgrid"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/sdk"
)

const (
	// startTime is long, for machines that run other tests besides.
	startTime = 2 * time.Minute
	// patience is for how long clients wait for a coordinator.
	patience = time.Minute
	// tail is how much of each log a failed test shows, in bytes.
	tail = 4 << 10
)

// Config says what to run.
type Config struct {
	Coordinators int // default 3
	Workers      []localgrid.Worker
	// Exe is the binary of its processes; "": this version's.
	Exe string
}

// Strangers are honest workers with one slot each, of these owners, which the grid
// knows nothing about.
func Strangers(owners ...string) []localgrid.Worker { return workers(owners, 0) }

// Friends are such workers of owners that the grid has been told to trust: two
// of them are enough for the default max_error, in jobs of one task too.
func Friends(owners ...string) []localgrid.Worker { return workers(owners, 0.001) }

func workers(owners []string, prior float64) []localgrid.Worker {
	var list []localgrid.Worker
	for _, owner := range owners {
		list = append(list, localgrid.Worker{Owner: owner, Prior: prior})
	}
	return list
}

// Grid is a grid of real processes, named c1, c2, ... and w1, w2, ...
type Grid struct {
	*localgrid.Grid
	Exe string // the anthill binary
	dir string
}

// Start runs a grid until the test ends. A test that failed logs the last words
// of all processes. Under -short it skips the test.
func Start(t testing.TB, cfg Config) *Grid {
	t.Helper()
	if testing.Short() {
		t.Skip("runs a grid of real processes")
	}
	if cfg.Coordinators == 0 {
		cfg.Coordinators = 3
	}
	dir := t.TempDir()
	g := &Grid{Exe: install(t, dir), dir: filepath.Join(dir, "grid")}
	ctx, cancel := context.WithTimeout(t.Context(), startTime)
	defer cancel()
	t.Cleanup(func() { g.close(t) })
	var err error
	g.Grid, err = localgrid.Start(ctx, localgrid.Config{
		Exe: cmp.Or(cfg.Exe, g.Exe), Dir: g.dir, Coordinators: cfg.Coordinators, Workers: cfg.Workers,
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func (g *Grid) close(t testing.TB) {
	if g.Grid != nil {
		g.Close()
	}
	if t.Failed() {
		g.logTails(t)
	}
}

func (g *Grid) logTails(t testing.TB) {
	logs, err := filepath.Glob(filepath.Join(g.dir, "*.log"))
	if err != nil {
		t.Error(err)
	}
	for _, path := range logs {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
		}
		t.Logf("the end of %s:\n%s", filepath.Base(path), data[max(0, len(data)-tail):])
	}
}

// Dir is the data directory of a process.
func (g *Grid) Dir(name string) string { return filepath.Join(g.dir, name) }

// Log is all that a process has logged.
func (g *Grid) Log(t testing.TB, name string) string {
	t.Helper()
	log, err := g.Grid.Log(name)
	if err != nil {
		t.Fatal(err)
	}
	return log
}

// Connect is a connection as the operator, for the time of the test.
func (g *Grid) Connect(t testing.TB) *sdk.Grid {
	t.Helper()
	return connect(t, g.Context())
}

func connect(t testing.TB, dir string) *sdk.Grid {
	t.Helper()
	grid, err := sdk.Connect(t.Context(), sdk.Config{Grid: dir, Patience: patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := grid.Close(); err != nil {
			t.Error(err)
		}
	})
	return grid
}

// Token makes a join token for one node.
func (g *Grid) Token(t testing.TB, role anthillv1.Role, owner string, lifetime time.Duration) string {
	t.Helper()
	resp, err := g.Connect(t).CreateToken(t.Context(), &anthillv1.CreateTokenRequest{
		Role: role, Uses: 1, Owner: owner, Lifetime: durationpb.New(lifetime),
	})
	if err != nil {
		t.Fatal(err)
	}
	return resp.GetToken()
}

// Join makes a submitter's identity, and returns its directory.
func (g *Grid) Join(t testing.TB, owner string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "identity")
	token := g.Token(t, anthillv1.Role_ROLE_SUBMITTER, owner, time.Hour)
	if _, err := sdk.Join(t.Context(), token, dir, sdk.JoinOptions{}); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Run runs the anthill command as the operator, and returns its exit code.
func (g *Grid) Run(t testing.TB, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	return g.RunAs(t, g.Context(), args...)
}

// RunAs runs the anthill command with the identity in a directory.
func (g *Grid) RunAs(t testing.TB, identity string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), g.Exe, args...)
	cmd.Env = append(os.Environ(), "ANTHILL_GRID="+identity, "ANTHILL_HOME="+filepath.Join(g.dir, "home"))
	cmd.Stdout, cmd.Stderr = &out, &errs
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatalf("anthill %s: %v", strings.Join(args, " "), err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// KillAll ends processes by SIGKILL.
func (g *Grid) KillAll(t testing.TB, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := g.Kill(name); err != nil {
			t.Fatal(err)
		}
	}
}

// RestartAll starts processes again that were killed.
func (g *Grid) RestartAll(t testing.TB, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := g.Restart(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
}

// ExpectAlive fails the test if a process has died.
func (g *Grid) ExpectAlive(t testing.TB) {
	t.Helper()
	if ended := g.Ended(); len(ended) > 0 {
		t.Errorf("these processes died: %v", ended)
	}
}
