//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/homes"
)

// jobTime is how long a whole job may take.
const jobTime = 5 * time.Minute

// theJob has 24 MiB of input and 3 MiB of results.
var theJob = homes.Job{Tasks: 12, Input: 2 << 20, Result: 256 << 10}

// allJobs runs the job from homes of each kind.
func (b bench) allJobs(ctx context.Context, r *report) error {
	r.Job = map[homes.Kind]jobFigure{}
	for _, kind := range b.kinds {
		figure, err := b.job(ctx, kind)
		if err != nil {
			return fmt.Errorf("from homes of kind %s: %w", kind, err)
		}
		figure.Ratio = figure.Seconds / max(r.Job[homes.Open].Seconds, 1e-9)
		if kind == homes.Open {
			figure.Ratio = 1
		}
		r.Job[kind] = figure
		fmt.Fprintf(b.log, "a job from homes of kind %s: %.1f s\n", kind, figure.Seconds)
	}
	return nil
}

// job runs a whole job with three workers of three owners and a submitter behind routers
// of a kind.
func (b bench) job(ctx context.Context, kind homes.Kind) (f jobFigure, err error) {
	g, end, err := b.found(ctx)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, end()) }()
	var workers []*homes.Machine
	for i := range 3 {
		m, err := b.machine(g, fmt.Sprintf("w%d", i+1), kind)
		if err != nil {
			return f, err
		}
		if err := g.Worker(ctx, m, "owner-"+m.Name); err != nil {
			return f, err
		}
		workers = append(workers, m)
	}
	home, err := b.machine(g, "sub", kind)
	if err != nil {
		return f, err
	}
	if err := g.Submitter(ctx, home, "sue"); err != nil {
		return f, err
	}
	ctx, cancel := context.WithTimeout(ctx, jobTime)
	defer cancel()
	took, err := g.Submit(ctx, home, theJob)
	if err != nil {
		return f, err
	}
	f.Seconds = took.Seconds()
	f.Relayed, err = relayed(ctx, g, workers)
	return f, err
}

// relayed is which share of the workers' bytes went through relays.
func relayed(ctx context.Context, g *homes.Grid, workers []*homes.Machine) (float64, error) {
	var all, through int64
	for _, m := range workers {
		s, err := g.Status(ctx, m)
		if err != nil {
			return 0, err
		}
		for _, p := range s.Paths {
			if all += p.In + p.Out; p.Name == "relayed" {
				through += p.In + p.Out
			}
		}
	}
	return float64(through) / float64(max(all, 1)), nil
}
