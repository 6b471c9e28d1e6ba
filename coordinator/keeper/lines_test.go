package keeper

import (
	"slices"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/jobs"
)

// originAt is an origin whose line has carried bytes at a rate for a while.
func originAt(rate int64, nodes ...jobs.NodeID) *origin {
	o := &origin{nodes: nodes, workers: true, heard: time.Now()}
	for range 30 {
		o.meter.Add(rate, time.Second)
	}
	return o
}

// TestElsewhereIsAnybodyWhoIsThere, and of whom nothing is known has a usual line: that
// all who were seen are slow says nothing of one who was idle.
func TestElsewhereIsAnybodyWhoIsThere(t *testing.T) {
	slow, slower := originAt(8000, "slow"), originAt(1000, "slower")
	k := &Keeper{origins: map[string]*origin{"a": slow, "b": slower, "c": originAt(1<<30, "gone")}}
	for _, c := range []struct {
		workers    []jobs.NodeID
		tail, much float64 // about
	}{
		{[]jobs.NodeID{"slow"}, usualRate, usualRate}, // nobody, and so nothing is known
		{[]jobs.NodeID{"slow", "slower"}, 1000, 1000},
		{[]jobs.NodeID{"slow", "slower", "idle"}, usualRate, usualRate},
		{[]jobs.NodeID{"slow", "slower", "x", "y", "z"}, usualRate, usualRate},
	} {
		rates := k.elsewhere(slow, c.workers)
		if !slices.IsSorted(rates) {
			t.Errorf("with %v: the rates are not in order: %v", c.workers, rates)
		}
		if got := expected(rates, true); got < c.tail*0.9 || got > c.tail*1.1 {
			t.Errorf("with %v: the best of others has %v, want %v", c.workers, got, c.tail)
		}
		if got := expected(rates, false); got < c.much*0.9 || got > c.much*1.1 {
			t.Errorf("with %v: others have %v, want %v", c.workers, got, c.much)
		}
	}
	if got := expected([]float64{10, 20, 3000}, false); got != 20 {
		t.Errorf("while there is much to do, others have %v, want that of the one in the middle", got)
	}
}

// TestAFullLineIsNobodysFault: who has a part of what comes is not slow, and who has next to
// nothing of it is, however much comes from others.
func TestAFullLineIsNobodysFault(t *testing.T) {
	l := &lines{best: 1_000_000, busyWith: 4}
	for range 30 {
		l.total.Add(900_000, time.Second)
	}
	for rate, want := range map[float64]bool{0: false, 8_000: false, 50_000: false, 100_000: true, 400_000: true} {
		if got := l.busy(rate); got != want {
			t.Errorf("a quarter of 900,000 bytes a second is its part, it sends %v: it is our line: %v", rate, got)
		}
	}
	l.busyWith = 1
	if l.busy(900_000) {
		t.Error("where only one sends, its line may be what is slow")
	}
	l.busyWith, l.best = 4, 10_000_000
	if l.busy(400_000) {
		t.Error("our line carries ten times as much")
	}
}
