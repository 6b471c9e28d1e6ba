package sandbox

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/anthill-grid/anthill/internal/lab/handmade"
	"github.com/anthill-grid/anthill/internal/module/rewrite"
	"github.com/anthill-grid/anthill/internal/module/screen"
)

// raceFrames is why some tests cannot be.
const raceFrames = "with the race detector, frames of Go are too large to nest so deep"

func newInterpreter(t testing.TB) *Slot {
	t.Helper()
	s, err := NewSlot(Config{
		Command: []string{os.Args[0], "sandbox-child"}, CacheDir: filepath.Join(t.TempDir(), "cache"),
		Readable: []string{os.TempDir()}, Interpreter: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// TestInterpreterAgrees runs tasks on both engines: all that the grid compares
// must be the same, also where calls nest as deep as they may.
func TestInterpreterAgrees(t *testing.T) {
	for name, module := range map[string][]byte{
		"exit":    handmade.Exit(3),
		"trap":    handmade.Trap(),
		"grow":    handmade.Grow(),
		"floats":  handmade.Floats(),
		"flood":   handmade.Flood(1),
		"random":  handmade.Random(1280, 1<<20), // more than the limit of fuel
		"loop":    handmade.Loop(),
		"descend": handmade.Descend(),
		"recurse": handmade.Recurse(),
	} {
		t.Run(name, func(t *testing.T) {
			if raceDetector && (name == "descend" || name == "recurse") {
				t.Skip(raceFrames)
			}
			compareEngines(t, module)
		})
	}
}

// TestInterpreterAgreesOnWideFrames has the most locals, as deep as they may be.
func TestInterpreterAgreesOnWideFrames(t *testing.T) {
	if testing.Short() || raceDetector {
		t.Skip("takes seconds, and 3 GB of memory")
	}
	compareEngines(t, handmade.Spec{Code: []byte{0x10, 0}, Locals: screen.MaxLocals, Pages: 1}.Encode()) // call 0
}

func compareEngines(t *testing.T, module []byte) {
	t.Helper()
	task := newTask(t, module)
	task.Memory, task.Fuel = 1<<20, 10_000_000
	want, got := run(t, newSlot(t), task), run(t, newInterpreter(t), task)
	if want.Status == Killed {
		t.Fatalf("compiled: %v: %s", want.Status, want.Reason)
	}
	if got.Status != want.Status || got.ExitCode != want.ExitCode || got.Fuel != want.Fuel || got.Memory != want.Memory ||
		!bytes.Equal(got.Output, want.Output) {
		t.Errorf("interpreted: %v, code %d, fuel %d, memory %d, output %x: %s\nwant %v, code %d, fuel %d, memory %d, output %x: %s",
			got.Status, got.ExitCode, got.Fuel, got.Memory, got.Output, got.Reason,
			want.Status, want.ExitCode, want.Fuel, want.Memory, want.Output, want.Reason)
	}
}

// TestInterpreterHasRoomForTheDepthLimit: the ceiling must not come before the
// limit that is the same everywhere.
func TestInterpreterHasRoomForTheDepthLimit(t *testing.T) {
	if raceDetector {
		t.Skip(raceFrames)
	}
	task := newTask(t, handmade.Recurse())
	wantStatus(t, run(t, newInterpreter(t), task), Trapped, "calls nest too deep")
	const least = 440 // the rewriter's least weight of a frame
	if interpreterFrames <= rewrite.DepthLimit/least {
		t.Errorf("the interpreter allows %d frames, the rewriter up to %d", interpreterFrames, rewrite.DepthLimit/least)
	}
}

// TestRoomForTheStackIsGivenToWhoNeedsIt: only guests that are compiled have a
// stack of their own.
func TestRoomForTheStackIsGivenToWhoNeedsIt(t *testing.T) {
	want := int64(interpreterStack)
	if runtime.GOARCH == "amd64" || runtime.GOARCH == "arm64" { // and nothing forbids it, as to most
		want = 0
	}
	if got := stackSpace(request{}); got != want {
		t.Errorf("%d bytes for a guest on the engine of this machine, want %d", got, want)
	}
	if got := stackSpace(request{Interpreter: true}); got < interpreterStack {
		t.Errorf("%d bytes for a guest on the interpreter", got)
	}
}

// TestEnginesStayApart asks one child for both engines. Interpreted modules stay
// out of the cache of compiled code, and do not run in the place of compiled ones.
func TestEnginesStayApart(t *testing.T) {
	s := newInterpreter(t)
	task := newTask(t, handmade.Noop())
	cached := func() int {
		run(t, s, task)
		entries, err := filepath.Glob(filepath.Join(s.cacheDir, "*", sealName))
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	if n := cached(); n != 0 {
		t.Errorf("the interpreter left %d entries in the cache", n)
	}
	if s.interpreter = false; cached() != 1 {
		t.Error("the module was not compiled: was that of the interpreter run?")
	}
}

// TestInterpreterIsOne tells the engines apart by what only modules that were not
// rewritten show: the interpreter has room for fewer calls than compiled code.
func TestInterpreterIsOne(t *testing.T) {
	if raceDetector {
		t.Skip(raceFrames)
	}
	const calls = 150_000 // more than interpreterFrames
	limit := binary.AppendUvarint([]byte{0x41}, calls)
	code := slices.Concat(
		[]byte{0x41, 0, 0x41, 0, 0x28, 2, 0, 0x41, 1, 0x6a, 0x36, 2, 0},             // memory[0]++
		[]byte{0x41, 0, 0x28, 2, 0}, limit, []byte{0x49, 0x04, 0x40, 0x10, 0, 0x0b}, // if memory[0] < calls: call 0
	)
	task := newTask(t, handmade.Spec{Code: code, Pages: 1}.Encode())
	for _, test := range []struct {
		slot   *Slot
		status Status
	}{{newSlot(t), Exited}, {newInterpreter(t), Killed}} {
		test.slot.rewrite = rewrite.Options{}
		if r := run(t, test.slot, task); r.Status != test.status {
			t.Errorf("interpreter %v: %v: %s; want %v", test.slot.interpreter, r.Status, r.Reason, test.status)
		}
	}
}

// TestMemoryAtTheEnd also of a guest that fails.
func TestMemoryAtTheEnd(t *testing.T) {
	s := newSlot(t)
	task := newTask(t, handmade.Grow())
	task.Memory = 3<<20 + 1 // not whole pages
	if r := run(t, s, task); r.Memory != 3<<20 {
		t.Errorf("memory %d after growing to 48 pages", r.Memory)
	}
	if r := run(t, s, newTask(t, handmade.Trap())); r.Status != Trapped || r.Memory != pageSize {
		t.Errorf("%v with memory %d; want one page", r.Status, r.Memory)
	}
}
