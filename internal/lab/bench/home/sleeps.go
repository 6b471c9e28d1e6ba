//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/homes"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// sleepFigure is what it costs a worker to fall asleep again and again.
type sleepFigure struct {
	Sleeps  int     `json:"sleeps"`
	Seconds float64 `json:"seconds"` // of each
	Working int     `json:"working"` // of them began in the middle of a task
	// Jobs are those that ran meanwhile, one after the other, and Failed those that did
	// not end with all their results.
	Jobs   int `json:"jobs"`
	Failed int `json:"failed"`
	// Reliability is the worker's at the end, and Least the least it had; 1 is the most.
	Reliability float64 `json:"reliability"`
	Least       float64 `json:"least_reliability"`
	Back        float64 `json:"back_seconds"` // at most, from waking until the coordinators said that it was there
}

const (
	// awake is how long the worker works between two sleeps.
	awake = 6 * time.Second
	// backTime is how long it may take to be there again.
	backTime = time.Minute
	// lookAgain is how far apart it is looked.
	lookAgain = 100 * time.Millisecond
)

// drowsy is a job that goes on for minutes: two workers have 40 tasks, each of some ten
// seconds of a core that has nothing else to do.
var drowsy = homes.Job{Tasks: 40, Input: 1 << 10, Turns: 3000}

// sleeps has one of two workers fall asleep again and again in the middle of jobs.
func (b bench) sleeps(ctx context.Context, r *report) (err error) {
	g, end, err := b.found(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	s, err := b.sleeper(ctx, g)
	if err != nil {
		return err
	}
	s.figure = sleepFigure{Sleeps: b.naps, Seconds: b.nap.Seconds(), Least: 1}
	r.Sleeps = &s.figure
	s.begin(ctx)
	for i := range b.naps {
		woke, err := s.nap(ctx, b.nap)
		if err != nil {
			return err
		}
		fmt.Fprintf(b.log, "sleep %d of %d: back after at most %.1f s, reliability %.3f\n", i+1, b.naps, s.figure.Back, s.figure.Reliability)
		select {
		case err := <-s.ended:
			s.settle(err)
			s.begin(ctx)
		case <-time.After(awake - time.Since(woke)):
		}
	}
	s.settle(<-s.ended)
	return s.awaitBack(ctx)
}

// sleeper is a laptop in a grid with another worker.
type sleeper struct {
	bench
	grid         *homes.Grid
	laptop, home *homes.Machine
	node         string
	ended        chan error // has what came of a job
	figure       sleepFigure
}

func (b bench) sleeper(ctx context.Context, g *homes.Grid) (*sleeper, error) {
	s := &sleeper{bench: b, grid: g, ended: make(chan error, 1)}
	for _, name := range []string{"desktop", "laptop"} {
		m, err := b.machine(g, name, homes.Cone)
		if err != nil {
			return nil, err
		}
		if err := g.Worker(ctx, m, "owner-"+name, "--slots", "1"); err != nil {
			return nil, err
		}
		s.laptop = m
	}
	status, err := s.grid.Status(ctx, s.laptop)
	if err != nil {
		return nil, err
	}
	s.node = status.Node
	if s.home, err = b.machine(g, "sub", homes.Cone); err != nil {
		return nil, err
	}
	return s, g.Submitter(ctx, s.home, "sue")
}

// begin runs a job.
func (s *sleeper) begin(ctx context.Context) {
	s.figure.Jobs++
	go func() {
		_, err := s.grid.Submit(ctx, s.home, drowsy)
		s.ended <- err
	}()
}

func (s *sleeper) settle(err error) {
	if err != nil {
		s.figure.Failed++
		fmt.Fprintln(s.log, err)
	}
}

// nap has the laptop sleep once, in the middle of a task if it can be had, and returns
// when it woke, once it is back.
func (s *sleeper) nap(ctx context.Context, d time.Duration) (woke time.Time, err error) {
	working, err := s.awaitWork(ctx)
	if err != nil {
		return woke, err
	}
	if working {
		s.figure.Working++
	}
	if err := s.grid.Sleep(ctx, s.laptop, d); err != nil {
		return woke, err
	}
	woke = time.Now()
	err = s.awaitBack(ctx)
	s.figure.Back = max(s.figure.Back, time.Since(woke).Seconds())
	return woke, err
}

// awaitWork waits until the laptop has a task, for a while, and tells whether it has.
func (s *sleeper) awaitWork(ctx context.Context) (bool, error) {
	for end := time.Now().Add(4 * awake); time.Now().Before(end); time.Sleep(lookAgain) {
		st, err := s.grid.Status(ctx, s.laptop)
		if err != nil {
			return false, err
		}
		if len(st.Slots) > 0 && st.Slots[0].Job != "" {
			return true, nil
		}
	}
	return false, nil
}

// awaitBack waits until the coordinators say that the laptop is there, and notes its
// reliability.
func (s *sleeper) awaitBack(ctx context.Context) error {
	for end := time.Now().Add(backTime); time.Now().Before(end); time.Sleep(lookAgain) {
		nodes, err := s.grid.Nodes(ctx)
		if err != nil {
			return err
		}
		for _, n := range nodes {
			if n.GetId() == s.node && n.GetLiveness() == anthillv1.Liveness_LIVENESS_ALIVE {
				s.figure.Reliability = n.GetReliability()
				s.figure.Least = min(s.figure.Least, s.figure.Reliability)
				return nil
			}
		}
	}
	return fmt.Errorf("%s: not there %v after it woke:\n%s", s.laptop.Name, backTime, s.grid.Log(s.laptop.Name))
}
