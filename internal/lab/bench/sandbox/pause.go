package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/anthill-grid/anthill/worker/sandbox"
)

// pauses is how often a guest is paused.
const pauses = 40

// pauseTimes are milliseconds from the call that pauses a slot, with a guest that
// never rests, until all threads of its child stand still.
type pauseTimes struct {
	Median float64 `json:"median"`
	Max    float64 `json:"max"`
	// CPU is the most processor time that the guest had after a call, in ms. Where
	// other programs want all processors it is what counts: a child that waits for
	// one to be stopped on does not run either.
	CPU float64 `json:"cpu_max"`
}

// pause measures on the machine as it is, and with programs of ordinary priority
// on all processors. Systems that do not tell states of threads have no figures.
func (b *bench) pause(ctx context.Context, w *way) error {
	task, err := b.endlessTask()
	if err != nil {
		return err
	}
	s, err := b.newSlot(task, nil, "pause")
	if err != nil {
		return err
	}
	defer s.close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { _, _ = s.slot.Run(ctx, task) }() // it has no result but to be killed
	if w.Pause, err = pauseOften(ctx, s.slot); err != nil {
		return err
	}
	defer keepBusy()()
	w.PauseBusy, err = pauseOften(ctx, s.slot)
	return err
}

func pauseOften(ctx context.Context, s *sandbox.Slot) (pauseTimes, error) {
	var took, used []time.Duration
	for range pauses {
		if err := awaitWork(ctx, s); err != nil {
			return pauseTimes{}, err
		}
		still, cpu, err := pauseOnce(ctx, s)
		if errors.Is(err, errors.ErrUnsupported) {
			return pauseTimes{}, nil
		}
		if err != nil {
			return pauseTimes{}, err
		}
		took, used = append(took, still), append(used, cpu)
	}
	slices.Sort(took)
	return pauseTimes{milliseconds(took[len(took)/2]), milliseconds(took[len(took)-1]), milliseconds(slices.Max(used))}, nil
}

// awaitWork returns a moment after the guest was seen to have the processor.
func awaitWork(ctx context.Context, s *sandbox.Slot) error {
	for first := time.Duration(-1); ctx.Err() == nil; time.Sleep(10 * time.Millisecond) {
		if s.PID() == 0 {
			continue
		}
		used, err := processTime(s.PID())
		if err != nil {
			return err
		}
		if first < 0 {
			first = used
		}
		if used-first > 2*time.Millisecond || used == 0 {
			return nil
		}
	}
	return ctx.Err()
}

func pauseOnce(ctx context.Context, s *sandbox.Slot) (took, cpu time.Duration, err error) {
	before, err := processTime(s.PID())
	if err != nil {
		return 0, 0, err
	}
	start := time.Now()
	if err := s.Pause(); err != nil {
		return 0, 0, err
	}
	for still := false; !still; {
		if err := ctx.Err(); err != nil {
			return 0, 0, err
		}
		if still, err = standsStill(s.PID()); err != nil {
			return 0, 0, fmt.Errorf("look at a paused child: %w", err)
		}
	}
	took = time.Since(start)
	after, err := processTime(s.PID())
	return took, after - before, errors.Join(err, s.Resume())
}

// keepBusy has threads of ordinary priority spin on all processors, and leaves
// room to measure beside them.
func keepBusy() (stop func()) {
	var over atomic.Bool
	before := runtime.GOMAXPROCS(2*runtime.NumCPU() + 2)
	for range runtime.NumCPU() {
		go func() {
			for !over.Load() {
			}
		}()
	}
	return func() {
		over.Store(true)
		runtime.GOMAXPROCS(before)
	}
}
