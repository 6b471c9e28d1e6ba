package cli

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/anthill-grid/anthill/internal/contexts"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/lab/fakegrid"
	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/jobs"
)

// useContexts makes an empty home for contexts.
func useContexts(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("ANTHILL_HOME", dir)
	t.Setenv("ANTHILL_GRID", "")
	return dir
}

// noHome is a user who has no directory that can be written.
func noHome(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("other variables")
	}
	for _, name := range []string{"ANTHILL_HOME", "XDG_CONFIG_HOME", "HOME"} {
		t.Setenv(name, "")
	}
}

func current(t *testing.T, want string) {
	t.Helper()
	if got, err := contexts.Current(); err != nil || got != want {
		t.Errorf("the current context is %q, %v, want %q", got, err, want)
	}
}

func takeDev(t *testing.T, operator string) *devContext {
	t.Helper()
	c, err := takeDevContext()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.use(operator); err != nil {
		t.Fatal(err)
	}
	current(t, devName)
	return c
}

func TestOneDevGridHasTheContext(t *testing.T) {
	useContexts(t)
	operator := fakegrid.Start(t, 1).Client(t, jobs.Operator)
	if err := contexts.Use("mine"); err != nil {
		t.Fatal(err)
	}
	first := takeDev(t, operator)
	if _, err := takeDevContext(); !errors.Is(err, problem.ErrInvalid) || !strings.Contains(err.Error(), "another `anthill dev` runs") {
		t.Errorf("a second one: %v", err)
	}
	if _, err := contexts.Resolve(""); err != nil {
		t.Errorf("the first is not reached any more: %v", err)
	}
	first.giveBack()
	current(t, "mine")

	killed := takeDev(t, operator)
	if err := killed.lock.Close(); err != nil {
		t.Fatal(err)
	}
	next := takeDev(t, operator)
	next.giveBack()
	current(t, "mine")

	last := takeDev(t, operator)
	if err := contexts.Use("other"); err != nil {
		t.Fatal(err)
	}
	last.giveBack()
	current(t, "other")
}

func TestADevGridTakesNobodysContext(t *testing.T) {
	home := useContexts(t)
	dir := filepath.Join(home, devName)
	joined, err := identity.Load(fakegrid.Start(t, 1).Client(t, jobs.Submitter))
	if err == nil {
		err = joined.Save(dir)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := takeDevContext(); !errors.Is(err, problem.ErrInvalid) || !strings.Contains(err.Error(), dir+" is that of another grid") {
		t.Errorf("got %v", err)
	}
	if again, err := identity.Load(dir); err != nil || again.Identity.Node() != joined.Identity.Node() {
		t.Errorf("what was joined is lost: %v", err)
	}
}

func TestADevGridWithoutAHome(t *testing.T) {
	operator := fakegrid.Start(t, 1).Client(t, jobs.Operator)
	noHome(t)
	c, err := takeDevContext()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.use(operator); !errors.Is(err, problem.ErrInvalid) {
		t.Errorf("got %v", err)
	}
	c.giveBack()
}

func TestAFounderGetsAContextOnce(t *testing.T) {
	home := useContexts(t)
	operator := fakegrid.Start(t, 1).Client(t, jobs.Operator)
	var out strings.Builder
	offerContext(&out, "founded", operator)
	if !strings.Contains(out.String(), "context founded written") {
		t.Errorf("told %q", out.String())
	}
	current(t, "founded")
	if err := contexts.Use("mine"); err != nil {
		t.Fatal(err)
	}
	out.Reset()
	offerContext(&out, "founded", operator)
	if out.Len() > 0 {
		t.Errorf("the second time: told %q", out.String())
	}
	current(t, "mine")
	if _, err := os.Stat(filepath.Join(home, "founded")); err != nil {
		t.Error(err)
	}
}

func TestAFounderWithoutAHomeHasItsOperatorAllTheSame(t *testing.T) {
	operator := fakegrid.Start(t, 1).Client(t, jobs.Operator)
	noHome(t)
	var out strings.Builder
	offerContext(&out, "founded", operator)
	if !strings.Contains(out.String(), "no context was written: ") || !strings.Contains(out.String(), "anthill nodes --grid "+operator) {
		t.Errorf("told %q", out.String())
	}
}
