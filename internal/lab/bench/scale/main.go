// Command scale measures what a grid of three real coordinator processes carries on this
// machine. Its workers are many in this one process: with certificates, sessions and calls
// as real ones have, but what they hand in costs nothing to compute.
//
//	go run ./internal/lab/bench/scale [--workers 8] [--slots 128] [--tasks 100000] [--json]
//
// With --tasks 0 the workers are idle for the time of --idle, with --real they are real
// ones, each a process with a sandbox, and with --backlog another job is cancelled first,
// when so many of its results are accepted.
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
	"time"

	"github.com/anthill-grid/anthill/internal/lab/localgrid"
	"github.com/anthill-grid/anthill/sdk"
)

type config struct {
	workers, slots, owners, tasks, backlog int
	took, idle                             time.Duration
	real, json                             bool
}

func main() {
	var cfg config
	flag.IntVar(&cfg.workers, "workers", 8, "workers")
	flag.IntVar(&cfg.slots, "slots", 128, "tasks that each works on at a time (real workers: 1)")
	flag.IntVar(&cfg.owners, "owners", 8, "owners of the workers, at most")
	flag.IntVar(&cfg.tasks, "tasks", 100_000, "tasks of the job; 0: the workers are idle")
	flag.IntVar(&cfg.backlog, "backlog", 0, "results of another job that is cancelled before")
	flag.DurationVar(&cfg.took, "task-time", 0, "how long a task takes, of fake workers")
	flag.DurationVar(&cfg.idle, "idle", 30*time.Second, "for how long idle workers are looked at")
	flag.BoolVar(&cfg.real, "real", false, "real workers")
	flag.BoolVar(&cfg.json, "json", false, "print one JSON object")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, cfg); err != nil {
		fmt.Fprintln(os.Stderr, "bench-scale:", err)
		os.Exit(1)
	}
}

// result is what was measured, of the time from the submission to the job's success or, of
// idle workers, of the time of --idle.
type result struct {
	Workers  int     `json:"workers"`
	Tasks    int     `json:"tasks"`
	Attempts uint64  `json:"attempts"`
	Seconds  float64 `json:"seconds"`
	// Durable are tasks a second, from the submission until all results are on the disks
	// of two coordinators, and Accepted until all are accepted.
	Durable  float64 `json:"durable_per_second"`
	Accepted float64 `json:"accepted_per_second"`
	// Processor time in milliseconds a task: of the leader, of both followers, and of
	// real workers with their sandboxes.
	LeaderTask    float64 `json:"leader_ms_per_task"`
	FollowersTask float64 `json:"followers_ms_per_task"`
	WorkersTask   float64 `json:"workers_ms_per_task"`
	// Shares of one processor, of the same.
	Leader    float64 `json:"leader_share"`
	Followers float64 `json:"followers_share"`
	// How long the answers to fake workers' beats took, in milliseconds.
	Beats    int     `json:"beats"`
	BeatsP50 float64 `json:"beats_p50_ms"`
	BeatsP99 float64 `json:"beats_p99_ms"`
	// What leader and followers had resident at the end, in MiB.
	LeaderMiB    float64 `json:"leader_mib"`
	FollowersMiB float64 `json:"followers_mib"`
}

func run(ctx context.Context, cfg config) (err error) {
	dir, err := os.MkdirTemp("", "anthill-scale-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	exe := filepath.Join(dir, "anthill")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", exe, "github.com/anthill-grid/anthill").CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	g := localgrid.Config{Exe: exe, Dir: filepath.Join(dir, "grid"), Coordinators: 3}
	for i := range cfg.workers {
		if cfg.real {
			g.Workers = append(g.Workers, localgrid.Worker{Owner: fmt.Sprint("owner", i%cfg.owners)})
		}
	}
	grid, err := localgrid.Start(ctx, g)
	if err != nil {
		return err
	}
	defer grid.Close()
	client, err := sdk.Connect(ctx, sdk.Config{Grid: grid.Context(), Patience: 30 * time.Second})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	b := &bench{cfg: cfg, dir: dir, grid: grid, client: client}
	defer b.stop()
	r, err := b.measure(ctx)
	if err != nil {
		return err
	}
	if cfg.json {
		return json.NewEncoder(os.Stdout).Encode(r)
	}
	return r.print()
}

func (r *result) print() error {
	if r.Tasks > 0 {
		fmt.Printf("%d tasks on %d workers in %.1f s, %d attempts: %.0f tasks/s accepted, %.0f durable\n", r.Tasks, r.Workers, r.Seconds, r.Attempts, r.Accepted, r.Durable)
		fmt.Printf("processor a task: leader %.3f ms, followers %.3f ms, workers %.3f ms\n", r.LeaderTask, r.FollowersTask, r.WorkersTask)
	}
	_, err := fmt.Printf("leader %.0f %% of a processor and %.0f MiB, followers %.0f %% and %.0f MiB; %d beats, p50 %.1f ms, p99 %.1f ms\n",
		100*r.Leader, r.LeaderMiB, 100*r.Followers, r.FollowersMiB, r.Beats, r.BeatsP50, r.BeatsP99)
	return err
}
