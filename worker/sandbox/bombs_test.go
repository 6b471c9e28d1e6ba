package sandbox

import (
	"runtime"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/worker/sandbox/guesttest"
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
		{"table.grow", guesttest.GrowTable(), 1 << 20, []Status{Refused}},
		{"table.fill", guesttest.FillTable(), 1 << 20, []Status{Refused}},
		{"memory.grow", guesttest.GrowForEver(), maxMemory, []Status{TimedOut, Killed}},
		{"memory.grow within its limit", guesttest.GrowForEver(), 1 << 20, []Status{TimedOut}},
		{"recursion", guesttest.Recurse(), 1 << 20, []Status{Killed}},
		{"call tree", guesttest.CallTree(60), 1 << 20, []Status{TimedOut}},
		{"endless loop", guesttest.Loop(), 1 << 20, []Status{TimedOut}},
		{"output flood", guesttest.Flood(1), 1 << 20, []Status{OutputExceeded}},
		{"stderr flood", guesttest.Flood(2), 1 << 20, []Status{TimedOut}},
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
			r := run(t, s, task)
			t.Logf("%v after %v: %s", r.Status, r.Elapsed, r.Reason)
			fits := false
			for _, want := range c.ends {
				fits = fits || r.Status == want
			}
			if !fits || r.Reason == "" {
				t.Errorf("ended with %v because of %q, want one of %v", r.Status, r.Reason, c.ends)
			}
			if r.Status == TimedOut && r.Elapsed > task.Time+time.Second {
				t.Errorf("killed after %v, with a limit of %v", r.Elapsed, task.Time)
			}
		})
	}
	wantStatus(t, run(t, s, newTask(t, guesttest.Noop())), Exited, "")
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

// TestAFullStackIsNoResult: how deep calls may nest depends on the engine, so
// honest workers would not agree on this end.
func TestAFullStackIsNoResult(t *testing.T) {
	s := newSlot(t)
	task := newTask(t, guesttest.Recurse())
	task.Memory = 2 << 30 // so that address space suffices for the engine's own limit
	r := run(t, s, task)
	wantStatus(t, r, Killed, "")
	t.Log(r.Reason)
	wantStatus(t, run(t, s, newTask(t, guesttest.Trap())), Trapped, "unreachable")
}
