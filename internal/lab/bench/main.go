// Command bench measures a grid of real processes on this machine: how many
// tasks a second it hands out, cross-checks and stores when the tasks
// themselves do nothing, and how long the death of the leader holds it up.
//
//	go run ./internal/lab/bench [-tasks 20000] [-kills 5] [-json]
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
)

func main() {
	var cfg config
	flag.IntVar(&cfg.tasks, "tasks", 20000, "no-op tasks to run")
	flag.IntVar(&cfg.kills, "kills", 5, "times to kill the leader")
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
	tasks, kills int
	json         bool
}

// result is what was measured.
type result struct {
	Tasks          int       `json:"tasks"`
	TasksPerSecond float64   `json:"tasks_per_second"`
	Attempts       uint64    `json:"attempts"`
	Failovers      []float64 `json:"failover_seconds"` // sorted
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
	for range cfg.kills {
		d, err := b.failover(ctx)
		if err != nil {
			return nil, fmt.Errorf("failover: %w", err)
		}
		r.Failovers = append(r.Failovers, d.Round(time.Millisecond).Seconds())
	}
	slices.Sort(r.Failovers)
	return r, nil
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

// failover measures how long after the leader was killed the next result is
// accepted, with tasks of about 50 ms, and starts the leader again.
func (b *bench) failover(ctx context.Context) (time.Duration, error) {
	job, err := b.submit(ctx, "busy", handmade.Count(30), 100000)
	if err != nil {
		return 0, err
	}
	defer job.Close()
	var killed time.Time
	var before uint32
	victim, took := "", time.Duration(0)
	for update, err := range b.client.Watch(ctx, job.ID()) {
		if err != nil {
			return 0, err
		}
		accepted := update.Job.GetTasks().GetAccepted()
		switch {
		case killed.IsZero() && accepted >= 20:
			if victim, err = b.grid.Leader(ctx); err != nil {
				return 0, err
			}
			if err := b.grid.Kill(victim); err != nil {
				return 0, err
			}
			killed = time.Now()
		case killed.IsZero() || time.Since(killed) < settling:
			before = accepted
		case accepted > before:
			took = time.Since(killed)
		}
		if took > 0 {
			break
		}
	}
	if _, err := b.client.Cancel(ctx, job.ID()); err != nil {
		return 0, err
	}
	return took, b.grid.Restart(ctx, victim)
}

func print(r *result, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(os.Stdout).Encode(r)
	}
	fmt.Printf("tasks/s (no-op, 3 coordinators, 3 workers of 1 slot, max_error 1e-4): %.0f (%d tasks, %d attempts)\n", r.TasksPerSecond, r.Tasks, r.Attempts)
	if n := len(r.Failovers); n > 0 {
		fmt.Printf("failover, SIGKILL of the leader to the next accepted result: median %.2f s, min %.2f s, max %.2f s of %d\n",
			r.Failovers[n/2], r.Failovers[0], r.Failovers[n-1], n)
	}
	return nil
}
