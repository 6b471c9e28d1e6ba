package sandbox

import (
	"runtime"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/handmade"
	"github.com/anthill-grid/anthill/internal/module/rewrite"
)

// TestBombsGoOffInTheChild runs what tries to eat up a machine. Each must end,
// near its time limit at the latest, and cost the worker nothing.
func TestBombsGoOffInTheChild(t *testing.T) {
	if raceDetector {
		t.Skip("address space is not limited under the race detector")
	}
	cases := []struct {
		name   string
		module []byte
		memory int64
		ends   []Status
	}{
		{"table.grow", handmade.GrowTable(), 1 << 20, []Status{Refused}},
		{"table.fill", handmade.FillTable(), 1 << 20, []Status{Refused}},
		{"memory.grow", handmade.GrowForEver(), maxMemory, []Status{TimedOut, Killed}},
		{"memory.grow within its limit", handmade.GrowForEver(), 1 << 20, []Status{TimedOut}},
		{"recursion", handmade.Recurse(), 1 << 20, []Status{Trapped}},
		{"call tree", handmade.CallTree(60), 1 << 20, []Status{TimedOut}},
		{"endless loop", handmade.Loop(), 1 << 20, []Status{TimedOut}},
		{"output flood", handmade.Flood(1), 1 << 20, []Status{OutputExceeded}},
		{"stderr flood", handmade.Flood(2), 1 << 20, []Status{TimedOut}},
	}
	s := newSlot(t)
	before := ownMemory()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			task := newTask(t, c.module)
			task.Memory, task.Time, task.Output = c.memory, 500*time.Millisecond, 8<<20
			if len(c.ends) == 1 && c.ends[0] != TimedOut {
				task.Time = time.Minute // it must end by itself
			}
			used := follow(pid(s))
			r := run(t, s, task)
			t.Logf("%v after %v: %s", r.Status, r.Elapsed, r.Reason)
			fits := false
			for _, want := range c.ends {
				fits = fits || r.Status == want
			}
			if !fits || r.Reason == "" {
				t.Errorf("ended with %v because of %q, want one of %v", r.Status, r.Reason, c.ends)
			}
			if cpu := used(); r.Status == TimedOut {
				wantPrompt(t, r, task, cpu)
			}
		})
	}
	wantStatus(t, run(t, s, newTask(t, handmade.Noop())), Exited, "")
	if grown := ownMemory() - before; grown > 64<<20 {
		t.Errorf("the parent took %d MB meanwhile", grown>>20)
	}
}

// ownMemory is what this process has taken from the system, in bytes.
func ownMemory() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.Sys)
}

// TestEndlessRecursionIsAResult: the rewriter's count of calls ends it, at the
// same depth on every machine. Where the engine's own stack ends depends on the
// engine, so that is none.
func TestEndlessRecursionIsAResult(t *testing.T) {
	task := newTask(t, handmade.Recurse())
	task.Memory = 2 << 30 // so that address space suffices for the engine's own limit
	s := newSlot(t)
	r := run(t, s, task)
	wantStatus(t, r, Trapped, "nest too deep")
	if again := run(t, s, task); r.Fuel == 0 || again.Fuel != r.Fuel {
		t.Errorf("it used %d and %d units of fuel", r.Fuel, again.Fuel)
	}
	bare := newSlot(t)
	bare.rewrite = rewrite.Options{}
	wantStatus(t, run(t, bare, task), Killed, "nest deeper")
	wantStatus(t, run(t, s, newTask(t, handmade.Trap())), Trapped, "unreachable")
}

// TestFuelEndsTasks has a limit that a guest just reaches, and one that it does
// not.
func TestFuelEndsTasks(t *testing.T) {
	s := newSlot(t)
	task := newTask(t, handmade.Count(1))
	needs := run(t, s, task)
	wantStatus(t, needs, Exited, "")
	if needs.Fuel < 1_000_000 {
		t.Fatalf("a million turns used %d units of fuel", needs.Fuel)
	}
	task.Fuel = int64(needs.Fuel)
	if r := run(t, s, task); r.Status != Exited || r.Fuel != needs.Fuel {
		t.Errorf("with just enough it ended with %v, after %d of %d", r.Status, r.Fuel, needs.Fuel)
	}
	for _, limit := range []int64{1, int64(needs.Fuel) / 2, int64(needs.Fuel) - 1} {
		task.Fuel = limit
		r := run(t, s, task)
		wantStatus(t, r, OutOfFuel, "limit")
		if r.Fuel != uint64(limit) {
			t.Errorf("with %d it says that it used %d", limit, r.Fuel)
		}
	}
	endless := newTask(t, handmade.Loop())
	endless.Fuel = 1_000_000
	wantStatus(t, run(t, s, endless), OutOfFuel, "")
}

// TestTheLargestOutputFitsIntoTheWalls: a guest with little memory may write as
// much as a job can allow.
func TestTheLargestOutputFitsIntoTheWalls(t *testing.T) {
	task := newTask(t, handmade.Flood(1))
	task.Memory, task.Output = 1<<20, 256<<20
	wantStatus(t, run(t, newSlot(t), task), OutputExceeded, "output limit")
}
