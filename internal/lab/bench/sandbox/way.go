package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/bench/sandbox/guests"
	"github.com/anthill-grid/anthill/internal/lab/handmade"
	"github.com/anthill-grid/anthill/worker/sandbox"
)

// way is what a task costs beside its computing, in milliseconds on the clock
// unless it says otherwise.
type way struct {
	NoopC       float64 `json:"noop_c_ms,omitempty"`
	NoopCBare   float64 `json:"noop_c_bare_ms,omitempty"`
	NoopGo      float64 `json:"noop_go_ms"`
	NoopGoBare  float64 `json:"noop_go_bare_ms"`
	NoopGoRatio float64 `json:"noop_go_ratio"`
	// TasksPerSecond of one slot, with the cheapest no-op that there is.
	TasksPerSecond float64 `json:"tasks_per_second"`
	// WarmStart is from a new slot to the guest's first instruction, with the
	// code in the cache.
	WarmStart float64 `json:"warm_start_ms"`
	// Compile is for the json guest, by language, without and with a cache.
	Compile map[guests.Language]compileTimes `json:"compile_ms"`
	// Neighbour is how much longer a guest takes while another slot runs an
	// endless loop; on the clock, and in CPU time.
	Neighbour    float64 `json:"neighbour_ratio,omitempty"`
	NeighbourCPU float64 `json:"neighbour_cpu_ratio,omitempty"`
	// Pause is how soon a paused guest stands still; PauseBusy where other programs
	// want all processors.
	Pause     pauseTimes `json:"pause_ms"`
	PauseBusy pauseTimes `json:"pause_busy_ms"`
}

type compileTimes struct {
	Cold   float64 `json:"cold"`
	Cached float64 `json:"cached"`
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func (b *bench) measureWay(ctx context.Context, r *result) error {
	if err := b.pause(ctx, &r.way); err != nil {
		return fmt.Errorf("pause: %w", err)
	}
	r.Compile = map[guests.Language]compileTimes{}
	for _, language := range []guests.Language{guests.Go, guests.C} {
		if b.tools[language] == nil {
			continue
		}
		if err := b.noop(ctx, language, &r.way); err != nil {
			return fmt.Errorf("no-op in %s: %w", language, err)
		}
		times, err := b.compile(ctx, language)
		if err != nil {
			return fmt.Errorf("compile in %s: %w", language, err)
		}
		r.Compile[language] = times
	}
	if b.tools[guests.Go] == nil {
		return nil
	}
	if err := b.warmStart(ctx, &r.way); err != nil {
		return fmt.Errorf("warm start: %w", err)
	}
	return b.neighbour(ctx, &r.way)
}

// batches is how many batches of tiny tasks are run, of which the best counts.
const batches = 8

// noop runs batches of the guest that does nothing, in a slot and alone in
// turn.
func (b *bench) noop(ctx context.Context, language guests.Language, w *way) error {
	v := variant{key: "noop"}
	slot, err := startSlot(ctx, b, v, language, guests.Noop)
	if err != nil {
		return err
	}
	defer slot.close()
	alone, err := startBare(ctx, b, v, language, guests.Noop)
	if err != nil {
		return err
	}
	defer alone.close()
	times := map[guests.Language]int{guests.Go: 20, guests.C: 300}[language]
	through, direct, err := takeTurns(ctx, slot, alone, nil, times, batches)
	if err != nil {
		return err
	}
	if language == guests.C {
		w.NoopC, w.NoopCBare = milliseconds(through.wall), milliseconds(direct.wall)
	} else {
		w.NoopGo, w.NoopGoBare = milliseconds(through.wall), milliseconds(direct.wall)
		w.NoopGoRatio = through.wall.Seconds() / direct.wall.Seconds()
	}
	w.TasksPerSecond = max(w.TasksPerSecond, 1/through.wall.Seconds())
	return nil
}

// takeTurns returns the best of some rounds of two runners.
func takeTurns(ctx context.Context, first, second runner, args []string, times, rounds int) (one, two sample, err error) {
	for round := range rounds {
		a, err := first.run(ctx, args, times)
		if err != nil {
			return one, two, err
		}
		b, err := second.run(ctx, args, times)
		if err != nil {
			return one, two, err
		}
		if round > 0 {
			a, b = a.best(one), b.best(two)
		}
		one, two = a, b
	}
	return one, two, nil
}

// compile starts wazero on the same module with an empty cache and again with
// a full one.
func (b *bench) compile(ctx context.Context, language guests.Language) (compileTimes, error) {
	path, err := b.module(ctx, language, "json", variant{key: "compile"})
	if err != nil {
		return compileTimes{}, err
	}
	cache := filepath.Join(b.dir, "bare-cache-"+string(language))
	took := make([]time.Duration, 4)
	for i := range took {
		p, err := newBareProcess(ctx, b, "--cache", cache, path)
		if err != nil {
			return compileTimes{}, err
		}
		took[i] = p.compile
		p.close()
	}
	return compileTimes{milliseconds(took[0]), milliseconds(min(took[1], took[2], took[3]))}, nil
}

// warmStart takes the guest's own time from that of a new slot's first task.
func (b *bench) warmStart(ctx context.Context, w *way) error {
	path, err := b.module(ctx, guests.Go, guests.Noop, variant{key: "warm"})
	if err != nil {
		return err
	}
	task, err := newTask(path)
	if err != nil {
		return err
	}
	best := time.Duration(0)
	for i := range batches {
		s, err := b.newSlot(task, nil, "warm-"+strconv.Itoa(i))
		if err != nil {
			return err
		}
		start := time.Now()
		r, err := s.slot.Run(ctx, task)
		took := time.Since(start) - r.Elapsed
		s.close()
		if err != nil {
			return err
		}
		if i == 1 || i > 1 && took < best { // the first one fills the cache
			best = took
		}
	}
	w.WarmStart = milliseconds(best)
	return nil
}

// neighbour runs a guest in one slot, with and without a bomb in another.
func (b *bench) neighbour(ctx context.Context, w *way) error {
	guest, err := startSlot(ctx, b, variant{key: "neighbour"}, guests.Go, "nbody")
	if err != nil {
		return err
	}
	defer guest.close()
	task, err := b.endlessTask()
	if err != nil {
		return err
	}
	bomb, err := b.newSlot(task, nil, "bomb")
	if err != nil {
		return err
	}
	defer bomb.close()
	alone, beside, err := takeTurns(ctx, guest, besideBomb{guest, bomb.slot, task}, []string{"2000000"}, 1, max(2, b.rounds))
	w.Neighbour = beside.wall.Seconds() / alone.wall.Seconds()
	w.NeighbourCPU = beside.cpu.Seconds() / alone.cpu.Seconds()
	return err
}

func (b *bench) endlessTask() (sandbox.Task, error) {
	path := filepath.Join(b.dir, "loop.wasm")
	if err := os.WriteFile(path, handmade.Loop(), 0o600); err != nil {
		return sandbox.Task{}, err
	}
	return newTask(path)
}

// besideBomb runs a guest while another slot runs an endless one.
type besideBomb struct {
	runner
	slot *sandbox.Slot
	task sandbox.Task
}

func (b besideBomb) run(ctx context.Context, args []string, times int) (sample, error) {
	ctx, cancel := context.WithCancel(ctx)
	over := make(chan struct{})
	go func() {
		defer close(over)
		_, _ = b.slot.Run(ctx, b.task) // it has no result but to be killed
	}()
	time.Sleep(100 * time.Millisecond) // for the bomb's child to start
	s, err := b.runner.run(ctx, args, times)
	cancel()
	<-over
	return s, err
}
