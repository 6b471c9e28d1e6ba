package coordinator

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/coordinator/desk"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/lab/fakegrid"
	"github.com/anthill-grid/anthill/internal/lab/voter"
	"github.com/anthill-grid/anthill/internal/node"
	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/jobs"
)

// start opens what a coordinator of this configuration stands on.
func start(t *testing.T, cfg Config) (*node.Base, error) {
	t.Helper()
	c := &Coordinator{cfg: cfg}
	b, err := node.NewBase(t.Context(), node.BaseConfig{
		Dir: cfg.Dir, Role: jobs.Coordinator, Listen: "127.0.0.1:0", Found: c.foundIfNew,
	})
	if err == nil {
		err = b.Close()
	}
	return b, err
}

func TestFoundAGridOnce(t *testing.T) {
	dir := t.TempDir()
	cfg := Config{Dir: dir, Bootstrap: true}
	first, err := start(t, cfg)
	if err != nil {
		t.Fatal(err)
	}
	operator, err := identity.Load(OperatorDir(dir))
	if err != nil {
		t.Fatal(err)
	}
	if first.Identity.Role != jobs.Coordinator || first.Authorities == nil {
		t.Errorf("the founder is a %v, with the authority: %v", first.Identity.Role, first.Authorities != nil)
	}
	if operator.Identity.Role != jobs.Operator || operator.Identity.Grid != first.Identity.Grid || operator.Authorities != nil {
		t.Errorf("the operator is a %v of grid %s", operator.Identity.Role, operator.Identity.Grid)
	}
	for _, again := range []Config{cfg, {Dir: dir}} {
		n, err := start(t, again)
		if err != nil || n.Identity.Grid != first.Identity.Grid || n.Identity.Node() != first.Identity.Node() {
			t.Errorf("started again with bootstrap %v: another node, or %v", again.Bootstrap, err)
		}
	}
	if _, err := start(t, Config{Dir: t.TempDir()}); !errors.Is(err, problem.ErrInvalid) {
		t.Errorf("neither --bootstrap nor a token: %v", err)
	}
}

func TestNoGridIsFoundedInThePast(t *testing.T) {
	if err := checkClock(time.Unix(7, 0)); !errors.Is(err, problem.ErrInvalid) || !strings.Contains(err.Error(), "clock says 1970-01-01 00:00:07 UTC") {
		t.Errorf("got %v", err)
	}
	if err := checkClock(time.Now()); err != nil {
		t.Error(err)
	}
}

func TestFoundStateWithItsShareOfSaboteurs(t *testing.T) {
	cfg := Config{Dir: t.TempDir(), Bootstrap: true, Saboteurs: jobs.One / 10}
	base, err := start(t, cfg)
	if err != nil {
		t.Fatal(err)
	}
	l := voter.Alone(t)
	c := &Coordinator{cfg: cfg, base: base, replica: l.Replica, desk: desk.New(desk.Config{Replica: l.Replica, Logger: voter.Quiet})}
	if err := c.foundState(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.View(func(s *jobs.State) {
		if s.Grid != base.Identity.Grid || s.Saboteurs != cfg.Saboteurs {
			t.Errorf("founded %s with %v saboteurs", s.Grid, s.Saboteurs)
		}
	})
}

// A node that joined a grid by a token has its identity from there; to begin a
// raft group of its own would make a second grid of the same name.
func TestBootstrapOnlyWhatThisNodeFounded(t *testing.T) {
	found := func(t *testing.T) string {
		dir := t.TempDir()
		if _, err := start(t, Config{Dir: dir, Bootstrap: true}); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	joined, confused := found(t), found(t)
	if err := os.RemoveAll(OperatorDir(joined)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.RemoveAll(OperatorDir(confused)), os.Rename(OperatorDir(found(t)), OperatorDir(confused))); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{joined: "no identity", confused: "operator is of grid"} {
		_, err := start(t, Config{Dir: dir, Bootstrap: true})
		if !errors.Is(err, problem.ErrInvalid) || !strings.Contains(problem.Next(err), "without --bootstrap") || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
		if _, err := start(t, Config{Dir: dir}); err != nil {
			t.Errorf("without --bootstrap: %v", err)
		}
	}
	worker := fakegrid.Start(t, 1)
	dir := t.TempDir()
	if _, err := node.Open(t.Context(), node.Config{Dir: dir, Role: jobs.Worker, Token: worker.Token(t, jobs.Worker).String()}); err != nil {
		t.Fatal(err)
	}
	if _, err := start(t, Config{Dir: dir, Bootstrap: true}); !errors.Is(err, problem.ErrInvalid) || !strings.Contains(err.Error(), "it belongs to a worker") {
		t.Errorf("in a worker's directory: %v", err)
	}
}

// A grid's share of saboteurs is for good: another one is refused, and none means that.
func TestASecondShareOfSaboteursIsRefused(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		share jobs.Prob
		want  string
	}{
		{jobs.One / 10, ""}, // founds
		{jobs.One / 10, ""},
		{0, ""},
		{jobs.One / 4, "its grid takes a share of 0.1 of strangers for saboteurs, which cannot be changed to 0.25"},
	} {
		co, err := New(t.Context(), Config{Dir: dir, Listen: "127.0.0.1:0", Bootstrap: true, Saboteurs: c.share, Logger: voter.Quiet})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			for end := time.Now().Add(10 * time.Second); c.want == "" && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
				co.replica.View(func(s *jobs.State) {
					if s.Grid != "" {
						cancel()
					}
				})
			}
		}()
		err = co.Run(ctx)
		cancel()
		if c.want == "" && err != nil || c.want != "" && (!errors.Is(err, problem.ErrInvalid) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("share %v: %v, want %q", c.share, err, c.want)
		}
	}
}

// A founder whose log is gone must not begin a second group under the grid's name: the
// other coordinators go on with the first.
func TestAGridIsNotBegunTwice(t *testing.T) {
	cfg := Config{Dir: t.TempDir(), Listen: "127.0.0.1:0", Bootstrap: true, Logger: voter.Quiet}
	for _, log := range []string{"new", "there", "there", "gone"} {
		if log == "gone" {
			if err := os.RemoveAll(filepath.Join(cfg.Dir, "raft")); err != nil {
				t.Fatal(err)
			}
		}
		c, err := New(t.Context(), cfg)
		if log == "gone" {
			if !errors.Is(err, problem.ErrInvalid) || !strings.Contains(problem.Next(err), "without --bootstrap") {
				t.Errorf("without its log: %v", err)
			}
			cfg.Bootstrap = false
			if c, err = New(t.Context(), cfg); err != nil { // and hears of the grid from the others
				t.Fatal(err)
			}
		} else if err != nil {
			t.Fatalf("log %s: %v", log, err)
		}
		if err := c.stop(); err != nil {
			t.Fatal(err)
		}
	}
}
