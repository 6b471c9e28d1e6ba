package main

import (
	"context"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/bench/sandbox/guests"
	"github.com/anthill-grid/anthill/internal/module/rewrite"
)

// The keys of the variants that figures are computed from.
const (
	native      = "native"
	bare        = "bare"
	contextDone = "context_done"
	ours        = "ours"
	nanDepth    = "nan_depth"
	fuel        = "fuel"
)

// variant is one way to run a guest.
type variant struct {
	key, what string
	// once is for a variant that takes too long for several rounds.
	once bool
	// rewrite says how a slot changes the module, nil for all that it can.
	rewrite *rewrite.Options
	// start makes the guest ready to run: built, compiled and loaded.
	start func(ctx context.Context, b *bench, v variant, language guests.Language, name string) (runner, error)
}

// variants are all that a guest is measured in, in the order of their turns.
func variants() []variant {
	return []variant{
		{key: native, what: "a native program of the same source", start: startNative},
		{key: bare, what: "wazero alone, in a warm process", start: startBare},
		{key: ours, what: "the sandbox with a warm child, without rewriting", rewrite: &rewrite.Options{}, start: startSlot},
		{key: nanDepth, what: "the same, the module rewritten for equal NaNs and a bounded depth of calls", rewrite: &rewrite.Options{NaN: true, Depth: true}, start: startSlot},
		{key: fuel, what: "the same, and rewritten to count fuel: as a worker runs it", start: startSlot},
		{key: contextDone, what: "wazero alone with WithCloseOnContextDone", once: true, start: startContextDone},
	}
}

// runner runs a guest that is ready.
type runner interface {
	// run runs it some times, one after the other, and returns the mean.
	run(ctx context.Context, args []string, times int) (sample, error)
	close()
}

// sample is what a run took and wrote.
type sample struct {
	wall, cpu time.Duration
	output    string
}

// best keeps the lesser times of two samples of the same work.
func (s sample) best(other sample) sample {
	return sample{min(s.wall, other.wall), min(s.cpu, other.cpu), s.output}
}

func (s sample) per(times int) sample {
	return sample{s.wall / time.Duration(times), s.cpu / time.Duration(times), s.output}
}
