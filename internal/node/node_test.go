package node

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/lab/fakegrid"
	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/jobs"
)

func TestOpenJoinsOnceAndLoadsAfterwards(t *testing.T) {
	t.Parallel()
	fake := fakegrid.Start(t, 1)
	dir := filepath.Join(t.TempDir(), "new", "folder")
	token := fake.Token(t, jobs.Worker).String()
	first, err := Open(t.Context(), Config{Dir: dir, Role: jobs.Worker, Token: token, Address: "10.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	if first.Identity.Role != jobs.Worker || !slices.Equal(first.Coordinators, fake.Addresses()) {
		t.Errorf("joined as %v with coordinators %v", first.Identity.Role, first.Coordinators)
	}
	fake.Kill(0) // nobody is needed any more
	for _, token := range []string{"", token, "\n" + token} {
		again, err := Open(t.Context(), Config{Dir: dir, Role: jobs.Worker, Token: token})
		if err != nil || again.Identity.Node() != first.Identity.Node() {
			t.Errorf("second start with token %.8q: %+v, %v", token, again, err)
		}
	}
}

// A node whose clock is wrong says so: when it joins, and when its own certificate is from
// the future.
func TestOpenWithAWrongClock(t *testing.T) {
	t.Parallel()
	fake := fakegrid.Start(t, 1)
	fake.ClockAhead = 25 * time.Hour
	open := func(cfg Config) string {
		var log strings.Builder
		cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
		if _, err := Open(t.Context(), cfg); err != nil {
			t.Error(err)
		}
		return log.String()
	}
	dir := t.TempDir()
	if got := open(Config{Dir: dir, Role: jobs.Worker, Token: fake.Token(t, jobs.Worker).String()}); !strings.Contains(got, "this machine's clock is 25 h behind the grid's: set it right") {
		t.Errorf("joining, it logs %q", got)
	}
	if got := open(Config{Dir: dir, Role: jobs.Worker}); got != "" {
		t.Errorf("its certificate is from the past, and it logs %q", got)
	}
	key, err := identity.OpenKey(dir)
	if err != nil {
		t.Fatal(err)
	}
	der, err := fake.Authority.IssueAt(time.Now().AddDate(3, 0, 0), key.Public(), jobs.Worker, nil)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := identity.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if kept.Identity, err = identity.New(key, der, fake.Authority.Certificate()); err == nil {
		err = kept.Save(dir)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := open(Config{Dir: dir, Role: jobs.Worker}); !strings.Contains(got, "this machine's clock is at least 3 years behind the grid's") {
		t.Errorf("its certificate is from the future, and it logs %q", got)
	}
}

func TestOpenErrors(t *testing.T) {
	t.Parallel()
	fake := fakegrid.Start(t, 1)
	token := fake.Token(t, jobs.Worker).String()
	foreign := fakegrid.Start(t, 1).Token(t, jobs.Worker)
	joined, broken := t.TempDir(), t.TempDir()
	for _, dir := range []string{joined, broken} {
		if _, err := Open(t.Context(), Config{Dir: dir, Role: jobs.Worker, Token: token}); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(broken, "grid.json"), []byte("["), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		cfg        Config
		want, next string
	}{
		"no token":          {Config{Dir: t.TempDir(), Role: jobs.Worker}, "has not joined a grid yet", "anthill token create --role worker"},
		"mangled token":     {Config{Dir: t.TempDir(), Role: jobs.Worker, Token: token[:len(token)-3]}, "join token: ", "copy the whole token"},
		"another's folder":  {Config{Dir: joined, Role: jobs.Coordinator, Token: token}, "it belongs to a worker, not to a coordinator", "data directory of its own"},
		"token for another": {Config{Dir: t.TempDir(), Role: jobs.Coordinator, Token: token}, "for a worker, not for a coordinator", "anthill token create --role coordinator"},
		"another grid's":    {Config{Dir: joined, Role: jobs.Worker, Token: foreign.String()}, "it belongs to grid " + fake.Authority.Grid() + ", and the token is for another grid, that of the coordinators at " + foreign.Addresses[0], "another --data"},
		"nonsense":          {Config{Dir: joined, Role: jobs.Worker, Token: "mangled"}, "it belongs to grid " + fake.Authority.Grid() + "; join token: ", "without --join"},
		"another role's":    {Config{Dir: joined, Role: jobs.Worker, Token: fake.Token(t, jobs.Coordinator).String()}, "and the token is for a coordinator", "without --join"},
		"broken file":       {Config{Dir: broken, Role: jobs.Worker}, "load identity " + broken, ""},
	} {
		_, err := Open(t.Context(), c.cfg)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(problem.Next(err), c.next) {
			t.Errorf("%s: got %v with next step %q", name, err, problem.Next(err))
		}
		if c.next != "" && !errors.Is(err, problem.ErrInvalid) {
			t.Errorf("%s: %v is not a bad input", name, err)
		}
	}
}
