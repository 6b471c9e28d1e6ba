// Command bench measures a grid of real processes on this machine: how many
// tasks a second it hands out, cross-checks and stores when the tasks
// themselves do nothing, and how long a leader that dies or hangs holds it up.
//
//	go run ./internal/lab/bench [-tasks 20000] [-kills 5] [-hangs 5] [-json]
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/handmade"
	"github.com/anthill-grid/anthill/internal/lab/localgrid"
	"github.com/anthill-grid/anthill/sdk"
	"github.com/anthill-grid/anthill/worker/sandbox/walls"
)

func main() {
	var cfg config
	flag.IntVar(&cfg.tasks, "tasks", 20000, "no-op tasks to run")
	flag.IntVar(&cfg.kills, "kills", 5, "times to kill the leader")
	flag.IntVar(&cfg.hangs, "hangs", 5, "times to stop the leader where it stands, as a machine that hangs does")
	flag.BoolVar(&cfg.json, "json", false, "print one JSON object")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, cfg); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

type config struct {
	tasks, kills, hangs int
	json                bool
}

// result is what was measured.
type result struct {
	Tasks          int       `json:"tasks"`
	TasksPerSecond float64   `json:"tasks_per_second"`
	Attempts       uint64    `json:"attempts"`
	Failovers      []float64 `json:"failover_seconds"`    // sorted
	Hangs          []float64 `json:"hung_leader_seconds"` // sorted
}

func run(ctx context.Context, cfg config) (err error) {
	dir, err := os.MkdirTemp("", "anthill-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	exe := filepath.Join(dir, "anthill")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", exe, "github.com/anthill-grid/anthill").CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	grid, err := localgrid.Start(ctx, localgrid.Config{
		Exe: exe, Dir: filepath.Join(dir, "grid"), Coordinators: 3,
		Workers: []localgrid.Worker{{Owner: "a"}, {Owner: "b"}, {Owner: "c"}},
	})
	if err != nil {
		return err
	}
	defer grid.Close()
	client, err := sdk.Connect(ctx, sdk.Config{Grid: grid.Context(), Patience: 30 * time.Second})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	b := bench{dir: dir, grid: grid, client: client}
	r, err := b.measure(ctx, cfg)
	if err != nil {
		return err
	}
	return print(r, cfg.json)
}

type bench struct {
	dir    string
	grid   *localgrid.Grid
	client *sdk.Grid
}

func (b *bench) measure(ctx context.Context, cfg config) (*result, error) {
	r := &result{Tasks: cfg.tasks}
	if err := b.throughput(ctx, r); err != nil {
		return nil, fmt.Errorf("throughput: %w", err)
	}
	var err error
	if r.Failovers, err = b.failovers(ctx, cfg.kills, b.grid.Kill, b.grid.Restart); err != nil {
		return nil, fmt.Errorf("failover: %w", err)
	}
	if !walls.CanHalt {
		return r, nil
	}
	if r.Hangs, err = b.failovers(ctx, cfg.hangs, b.halt, b.proceed); err != nil {
		return nil, fmt.Errorf("a leader that hangs: %w", err)
	}
	return r, nil
}

// failovers are how long results stopped each time, in seconds.
func (b *bench) failovers(ctx context.Context, times int, strike func(string) error, mend func(context.Context, string) error) (list []float64, err error) {
	for range times {
		d, err := b.failover(ctx, strike, mend)
		if err != nil {
			return nil, err
		}
		list = append(list, d.Round(time.Millisecond).Seconds())
	}
	slices.Sort(list)
	return list, nil
}

func (b *bench) halt(name string) error { return b.process(name, walls.Halt) }

func (b *bench) proceed(_ context.Context, name string) error { return b.process(name, walls.Proceed) }

func (b *bench) process(name string, do func(*os.Process) error) error {
	pid, err := b.grid.PID(name)
	if err != nil {
		return err
	}
	p, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	return do(p)
}

// submit runs a module over the numbers below tasks.
func (b *bench) submit(ctx context.Context, name string, module []byte, tasks int) (*sdk.Job, error) {
	path := filepath.Join(b.dir, name+".wasm")
	if err := os.WriteFile(path, module, 0o600); err != nil {
		return nil, err
	}
	return b.client.Submit(ctx, &sdk.JobFile{
		Name: name, Bundle: path, Input: sdk.Input{Range: &sdk.Range{From: 0, To: int64(tasks), Step: 1}},
	})
}

// throughput measures from the submission to SUCCEEDED, when every result is
// on the disks of two coordinators.
func (b *bench) throughput(ctx context.Context, r *result) error {
	began := time.Now()
	job, err := b.submit(ctx, "noop", handmade.Echo(), r.Tasks)
	if err != nil {
		return err
	}
	defer job.Close()
	for update, err := range b.client.Watch(ctx, job.ID()) {
		if err != nil {
			return err
		}
		r.Attempts = update.Job.GetAttempts().GetStarted()
	}
	r.TasksPerSecond = float64(r.Tasks) / time.Since(began).Seconds()
	return nil
}

// settling is for how long after a kill results may still come to light that
// were accepted before it.
const settling = 300 * time.Millisecond

// failover measures how long after the leader was struck the next result is
// accepted, with tasks of about 50 ms, and mends it.
func (b *bench) failover(ctx context.Context, strike func(string) error, mend func(context.Context, string) error) (time.Duration, error) {
	job, err := b.submit(ctx, "busy", handmade.Count(30), 100000)
	if err != nil {
		return 0, err
	}
	defer job.Close()
	var struck time.Time
	var before uint32
	victim, took := "", time.Duration(0)
	for update, err := range b.client.Watch(ctx, job.ID()) {
		if err != nil {
			return 0, err
		}
		accepted := update.Job.GetTasks().GetAccepted()
		switch {
		case struck.IsZero() && accepted >= 20:
			if victim, err = b.grid.Leader(ctx); err != nil {
				return 0, err
			}
			if err := strike(victim); err != nil {
				return 0, err
			}
			struck = time.Now()
		case struck.IsZero() || time.Since(struck) < settling:
			before = accepted
		case accepted > before:
			took = time.Since(struck)
		}
		if took > 0 {
			break
		}
	}
	if _, err := b.client.Cancel(ctx, job.ID()); err != nil {
		return 0, err
	}
	return took, mend(ctx, victim)
}

func print(r *result, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(os.Stdout).Encode(r)
	}
	fmt.Printf("tasks/s (no-op, 3 coordinators, 3 workers of 1 slot, max_error 1e-4): %.0f (%d tasks, %d attempts)\n", r.TasksPerSecond, r.Tasks, r.Attempts)
	printTimes("failover, SIGKILL of the leader to the next accepted result", r.Failovers)
	printTimes("the leader hangs, SIGSTOP to the next accepted result", r.Hangs)
	return nil
}

func printTimes(what string, sorted []float64) {
	if n := len(sorted); n > 0 {
		fmt.Printf("%s: median %.2f s, min %.2f s, max %.2f s of %d\n", what, sorted[n/2], sorted[0], sorted[n-1], n)
	}
}
