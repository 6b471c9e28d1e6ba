package misbehave

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/problem"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/worker/executor"
	"github.com/anthill-grid/anthill/worker/sandbox"
)

func TestParse(t *testing.T) {
	for _, m := range append(ways, Honest) {
		if got, err := Parse(string(m)); err != nil || got != m {
			t.Errorf("%q: got %q, %v", m, got, err)
		}
	}
	var p *problem.Problem
	_, err := Parse("badly")
	if !errors.As(err, &p) || !errors.Is(err, problem.ErrInvalid) || !strings.Contains(p.Message, `"badly"`) || !strings.Contains(p.Next, "sleeper, fuel") {
		t.Errorf("got %v, want what is wrong and what there is", err)
	}
}

// says are what a liar hands in for the tasks of a job, all with one true result.
func says(t *testing.T, l *Liar, tasks int, truth string) []string {
	t.Helper()
	var list []string
	l.cfg.Logger = slog.New(slog.DiscardHandler)
	for i := range uint32(tasks) {
		output := []byte(truth)
		said, fuel := l.Tamper(t.Context(), &anthillv1.Lease{JobId: "j", Task: i}, output, 1000)
		if overcharges := fuel > 1000; overcharges != (l.cfg.Way == Fuel) || fuel < 1000 {
			t.Fatalf("%q claims a fuel of %d where 1000 were used", l.cfg.Way, fuel)
		}
		list = append(list, string(said))
		if string(output) != truth {
			t.Fatal("the true result is overwritten")
		}
	}
	return list
}

// lies are the tasks about which a liar lies.
func lies(said []string, truth string) map[int]bool {
	tasks := map[int]bool{}
	for i, s := range said {
		if s != truth {
			tasks[i] = true
		}
	}
	return tasks
}

func both(a, b map[int]bool) (n int) {
	for i := range a {
		if b[i] {
			n++
		}
	}
	return n
}

func TestLiarsOfAHalf(t *testing.T) {
	const tasks, truth = 1000, "truth"
	for _, how := range []Way{Half, Collude} {
		one, other := says(t, New(Config{Way: how, Name: "one"}), tasks, truth), says(t, New(Config{Way: how, Name: "other"}), tasks, truth)
		a, b := lies(one, truth), lies(other, truth)
		if len(a) < tasks*2/5 || len(a) > tasks*3/5 {
			t.Errorf("%s: %d lies in %d tasks", how, len(a), tasks)
		}
		if how == Collude && (len(a) != len(b) || both(a, b) != len(a)) {
			t.Errorf("colluders lie about %d and %d tasks, %d of them the same", len(a), len(b), both(a, b))
		}
		if how == Half && (both(a, b) < tasks/5 || both(a, b) > tasks*3/10) {
			t.Errorf("two liars of a half share %d lies of %d and %d", both(a, b), len(a), len(b))
		}
		for i := range a {
			if b[i] && one[i] != other[i] {
				t.Fatalf("%s: %q and %q about one task", how, one[i], other[i])
			}
		}
		if again := lies(says(t, New(Config{Way: how, Name: "one"}), tasks, truth), truth); both(a, again) != len(a) {
			t.Errorf("%s: after a restart it lies about others", how)
		}
	}
}

func TestLiarsOfAll(t *testing.T) {
	const truth = "truth"
	for _, how := range []Way{Random, Constant} {
		said := says(t, New(Config{Way: how}), 10, truth)
		seen := map[string]bool{}
		for _, s := range said {
			seen[s] = true
		}
		if seen[truth] || how == Constant && len(seen) != 1 || how == Random && len(seen) != 10 {
			t.Errorf("%s: said %q", how, said)
		}
	}
	if n := len(lies(says(t, New(Config{Way: Fuel}), 10, truth), truth)); n != 0 {
		t.Errorf("a liar about fuel alone tells %d wrong results", n)
	}
	if _, fuel := New(Config{Way: Fuel}).say(t.Context(), nil, nil, 0); fuel == 0 {
		t.Error("no lie about no fuel")
	}
	if got := says(t, New(Config{}), 1, truth); got[0] != truth {
		t.Errorf("an honest worker says %q", got)
	}
	for _, how := range []Way{Random, Constant, Collude, Sleeper} {
		if n := len(lies(says(t, New(Config{Way: how}), 100, ""), "")); n == 0 {
			t.Errorf("%s: no lie about nothing", how)
		}
	}
	if n := len(random(100_000)); n != 100_000 {
		t.Errorf("%d random bytes", n)
	}
}

func TestSleeper(t *testing.T) {
	said := says(t, New(Config{Way: Sleeper}), sleeps+5, "truth")
	if asleep, awake := lies(said[:sleeps], "truth"), lies(said[sleeps:], "truth"); len(asleep) != 0 || len(awake) != 5 {
		t.Errorf("%d lies asleep, %d awake", len(asleep), len(awake))
	}
}

// runs notes that it was asked to run something.
type runs int

func (r *runs) Run(context.Context, sandbox.Task) (sandbox.Result, error) {
	*r++
	return sandbox.Result{}, nil
}

func TestOnlyACopycatDoesNotCompute(t *testing.T) {
	var honest runs
	for _, how := range append(ways, Honest) {
		if r := New(Config{Way: how}).Runner(&honest); (r == executor.Runner(&honest)) == (how == Copycat) {
			t.Errorf("%q: runs tasks by %T", how, r)
		}
	}
	began := time.Now()
	result, err := New(Config{Way: Copycat}).Runner(&honest).Run(t.Context(), sandbox.Task{})
	if waited := time.Since(began); err != nil || !result.Succeeded() || waited < copyWait || honest != 0 {
		t.Errorf("after %v: %+v, %v", waited, result, err)
	}
	void, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (idler{}).Run(void, sandbox.Task{}); err == nil {
		t.Error("it goes on when its lease is void")
	}
}
