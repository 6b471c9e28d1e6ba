package sandbox

import (
	"context"
	"crypto/sha256"
	"fmt"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/anthill-grid/anthill/internal/lab/handmade"
	"github.com/anthill-grid/anthill/worker/sandbox/walls"
)

// BenchmarkNeighbours measures what bombs in one slot cost others on the machine:
// the time on the clock and of the processor that they take beside the bomb, divided
// by those alone. They take turns, and of each the best of all rounds counts:
//
//	donor    a native program of ordinary priority, which reads memory and computes
//	compute  a task in another slot, which only computes
//	memory   one that moves memory
//
// Beside that it tells how many processors the bomb kept busy, at most, and by how
// many MB this process grew. A slot's child gets the processor time that nobody else
// wants, so that ratios on the clock mean something only on two cores or more while
// nothing else runs; those of the processor's time do anywhere.
//
//	go test ./worker/sandbox -run '^$' -bench Neighbours -benchtime 5x
func BenchmarkNeighbours(b *testing.B) {
	golang := goGuest(b)
	bombs := []bomb{
		{name: "nothing"},
		{name: "compile merges", module: handmade.Merges(100, 1500), fresh: true},
		{name: "compile loops", module: handmade.LoopsInALoop(20, 1500), fresh: true},
		{name: "compile loads", module: handmade.LongBody(500_000), fresh: true},
		{name: "compile exports", module: handmade.ManyExports(1000), fresh: true},
		{name: "endless loop", module: handmade.Loop()},
		{name: "memory.grow", module: handmade.GrowForEver()},
		{name: "memory.fill", module: handmade.FillMemory(4000, -1)},
		{name: "table.grow", module: handmade.GrowTable()},
		{name: "table.fill", module: handmade.FillTable()},
		{name: "recursion", module: handmade.Recurse()},
		{name: "call tree", module: handmade.CallTree(60)},
		{name: "output flood", module: handmade.Flood(1)},
		{name: "log flood", module: handmade.Flood(2)},
		{name: "random flood", module: handmade.Random(1000, 1<<20)},
		{name: "opening files", module: golang, args: []string{"reopen"}},
		{name: "large data", module: handmade.Spec{Pages: 512, Data: make([]byte, 32<<20)}.Encode()},
	}
	neighbours := map[string]neighbour{
		"donor":   donor(),
		"compute": inASlot(b, handmade.Count(600)),
		"memory":  inASlot(b, handmade.FillMemory(512, 100)),
	}
	for _, m := range bombs {
		b.Run(m.name, func(b *testing.B) { m.besideAll(b, neighbours) })
	}
}

// bomb is a guest that takes what it can get.
type bomb struct {
	name   string
	module []byte
	args   []string
	fresh  bool // it is compiled each time
}

// besideAll measures each neighbour alone and beside the bomb.
func (m bomb) besideAll(b *testing.B, neighbours map[string]neighbour) {
	before, busy := ownMemory(), 0.0
	for name, run := range neighbours {
		alone, beside := cost{}, cost{}
		for range b.N {
			alone.keepBest(run(b))
			stop := m.explode(b)
			beside.keepBest(run(b))
			busy = max(busy, stop())
		}
		b.ReportMetric(beside.clock.Seconds()/alone.clock.Seconds(), name+"-clock")
		b.ReportMetric(beside.cpu.Seconds()/alone.cpu.Seconds(), name+"-cpu")
	}
	b.ReportMetric(busy, "bomb-cpus")
	b.ReportMetric(float64(ownMemory()-before)/(1<<20), "parent-MB")
	b.ReportMetric(0, "ns/op")
}

// explode runs the bomb again and again in a slot of its own. What stop returns is
// how many processors it has kept busy.
func (m bomb) explode(b *testing.B) (stop func() float64) {
	if m.module == nil {
		return func() float64 { return 0 }
	}
	ctx, cancel := context.WithCancel(b.Context())
	s, task, done := newSlot(b), newTask(b, m.module), make(chan struct{})
	task.Time, task.Output, task.Args = time.Second, 16<<20, m.args
	task.Data = map[string]string{"file": task.Module}
	start, used := time.Now(), usage(unix.RUSAGE_CHILDREN)
	go func() {
		defer close(done)
		for i := 0; ctx.Err() == nil; i++ {
			if m.fresh {
				task.ModuleID = fmt.Sprintf("%032x", i)
			}
			_, _ = s.Run(ctx, task) // however it ends
		}
	}()
	time.Sleep(100 * time.Millisecond)
	return func() float64 {
		cancel()
		<-done
		s.Close()
		return (usage(unix.RUSAGE_CHILDREN) - used).Seconds() / time.Since(start).Seconds()
	}
}

type cost struct{ clock, cpu time.Duration }

func (c *cost) keepBest(other cost) {
	if c.clock == 0 || other.clock < c.clock {
		c.clock = other.clock
	}
	if c.cpu == 0 || other.cpu < c.cpu {
		c.cpu = other.cpu
	}
}

// neighbour does something that takes about a second.
type neighbour func(b *testing.B) cost

func donor() neighbour {
	data := make([]byte, 32<<20)
	return func(*testing.B) cost {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		start, used := time.Now(), usage(unix.RUSAGE_THREAD)
		for range 20 {
			sum := sha256.Sum256(data)
			copy(data, sum[:])
		}
		return cost{time.Since(start), usage(unix.RUSAGE_THREAD) - used}
	}
}

func inASlot(b *testing.B, module []byte) neighbour {
	s, task := newSlot(b), newTask(b, module)
	wantStatus(b, run(b, s, task), Exited, "") // compiles it
	return func(b *testing.B) cost {
		used, _ := walls.CPUTime(pid(s))
		start := time.Now()
		wantStatus(b, run(b, s, task), Exited, "")
		clock := time.Since(start)
		now, _ := walls.CPUTime(pid(s))
		return cost{clock, now - used}
	}
}

// usage is the processor time of this thread, or of all children that have ended.
func usage(who int) time.Duration {
	var u unix.Rusage
	_ = unix.Getrusage(who, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
