package sandbox

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/anthill-grid/anthill/internal/lab/handmade"
	"github.com/anthill-grid/anthill/worker/sandbox/prices"
)

// hostForms are the functions of the task ABI with their types, as handmade writes them.
func hostForms(t *testing.T) map[string]string {
	t.Helper()
	ctx := t.Context()
	known, err := new(prices.Host).Export(ctx, wazero.NewRuntime(ctx).NewHostModuleBuilder("any"))
	if err != nil {
		t.Fatal(err)
	}
	forms := map[string]string{}
	for name, f := range known {
		forms[name] = letters(f.ParamTypes()) + ":" + letters(f.ResultTypes())
	}
	return forms
}

func letters(types []api.ValueType) string {
	var b strings.Builder
	for _, v := range types {
		b.WriteByte(map[api.ValueType]byte{api.ValueTypeI32: 'i', api.ValueTypeI64: 'l'}[v])
	}
	return b.String()
}

// TestWhatLiesInNoMemoryCostsOneCall, however long it claims to be: lengths up to the last,
// and those that are small or nothing once their product is cut to 32 bits.
func TestWhatLiesInNoMemoryCostsOneCall(t *testing.T) {
	const buffers, subscriptions = 8, 48
	lengths := []int64{-1, 1 << 31, 1<<31 - 1, 1 << 20,
		1 << 29, 1<<29 + 1, 1<<32/buffers - 1, 1<<32/subscriptions + 1, 1<<32/subscriptions + 2, 2 * (1<<32/subscriptions + 1)}
	forms, s := hostForms(t), newSlot(t)
	for name, arguments := range map[string]func(length int64) []int64{
		"fd_read":                 func(n int64) []int64 { return []int64{0, 8, n, 0} },
		"fd_write":                func(n int64) []int64 { return []int64{1, 8, n, 0} },
		"fd_pread":                func(n int64) []int64 { return []int64{0, 8, n, 0, 0} },
		"fd_pwrite":               func(n int64) []int64 { return []int64{1, 8, n, 0, 0} },
		"fd_readdir":              func(n int64) []int64 { return []int64{3, 8, n, 0, 0} },
		"path_create_directory":   func(n int64) []int64 { return []int64{3, 8, n} },
		"path_filestat_get":       func(n int64) []int64 { return []int64{3, 0, 8, n, 0} },
		"path_filestat_set_times": func(n int64) []int64 { return []int64{3, 0, 8, n, 0, 0, 0} },
		"path_link":               func(n int64) []int64 { return []int64{3, 0, 8, 1, 3, 8, n} },
		"path_open":               func(n int64) []int64 { return []int64{3, 0, 8, n, 0, 0, 0, 0, 0} },
		"path_readlink":           func(n int64) []int64 { return []int64{3, 8, n, 8, n, 0} },
		"path_remove_directory":   func(n int64) []int64 { return []int64{3, 8, n} },
		"path_rename":             func(n int64) []int64 { return []int64{3, 8, n, 3, 8, n} },
		"path_symlink":            func(n int64) []int64 { return []int64{8, n, 3, 8, n} },
		"path_unlink_file":        func(n int64) []int64 { return []int64{3, 8, n} },
		"poll_oneoff":             func(n int64) []int64 { return []int64{8, 8, n, 0} },
		"random_get":              func(n int64) []int64 { return []int64{8, n} },
		"fd_prestat_dir_name":     func(n int64) []int64 { return []int64{3, 8, n} },
	} {
		for _, n := range lengths {
			args := arguments(n)
			module := handmade.Caller{Pages: 1, Once: []handmade.HostCall{{Name: name, Form: forms[name], Args: args, Keep: 1024}},
				ShownAt: 1024, Shown: 4}
			r := run(t, s, newTask(t, module.Encode()))
			wantStatus(t, r, Exited, "")
			const shown = prices.Call + prices.Buffer
			if most := uint64(prices.Call + len(args) + shown + 10); r.Fuel > most {
				t.Errorf("%s of %d: %d units of fuel, want at most %d", name, n, r.Fuel, most)
			}
			if slices.Equal(r.Output, []byte{0, 0, 0, 0}) {
				t.Errorf("%s of %d says that it is done", name, n)
			}
		}
	}
}

// hostileArguments are given to every function.
var hostileArguments = []int64{0, 1, 2, 3, 4, 8, 16, 24, 64, 1000, 4096, 65_536, 262_136, 1<<31 - 1, 1 << 31, -1, 1 << 29, 1<<29 + 1, 1<<32/48 + 1}

// hostileCalls are some of each function: with all parameters zero, with all ones, and
// with some of those.
func hostileCalls(t *testing.T) []handmade.HostCall {
	t.Helper()
	const each = 14
	draw := rand.New(rand.NewPCG(21, 12))
	forms := hostForms(t)
	delete(forms, "proc_exit") // which ends the guest
	var calls []handmade.HostCall
	for _, name := range slices.Sorted(maps.Keys(forms)) {
		for i := range each {
			args := make([]int64, strings.IndexByte(forms[name], ':'))
			for at := range args {
				switch {
				case i == 0:
				case i == 1:
					args[at] = -1
				case at == 0 && i%2 == 0:
					args[at] = int64(draw.IntN(5)) // an open descriptor
				default:
					args[at] = hostileArguments[draw.IntN(len(hostileArguments))]
				}
			}
			calls = append(calls, handmade.HostCall{Name: name, Form: forms[name], Args: args})
		}
	}
	return append(calls, worthwhileCalls(forms)...)
}

// worthwhileCalls are those that claim most for the least work.
func worthwhileCalls(forms map[string]string) []handmade.HostCall {
	const path, huge, list, number, buffer = 24, 40, 4096, 16, 16_384
	var calls []handmade.HostCall
	for _, c := range []struct {
		name string
		args []int64
	}{
		{"fd_write", []int64{2, huge, 1, number}},          // of which only the end is kept
		{"fd_read", []int64{0, list, 500, number}},         // at the end of the input
		{"fd_pread", []int64{4, huge, 1, 1 << 40, number}}, // beyond the end of a file
		{"fd_pread", []int64{4, list, 1, 0, number}},       // a byte
		{"fd_readdir", []int64{3, buffer, 1 << 16, 0, number}},
		{"path_filestat_get", []int64{3, 0, path, 5, buffer}}, // of a file
		{"path_filestat_get", []int64{3, 0, path, 4, buffer}}, // of none
		{"path_symlink", []int64{0, 1024, 9, 0, 1024}},
		{"args_get", []int64{buffer, 2 * buffer}},
		{"environ_get", []int64{buffer, 2 * buffer}},
		{"poll_oneoff", []int64{buffer, buffer, 1000, number}},
		{"random_get", []int64{buffer, 1 << 16}},
	} {
		calls = append(calls, handmade.HostCall{Name: c.name, Form: forms[c.name], Args: c.args})
	}
	return calls
}

// openFile opens a.txt, at 4 if that is free.
var openFile = handmade.HostCall{Name: "path_open", Form: "iiiiillii:i", Args: []int64{3, 0, 24, 5, 0, 2, 0, 0, 16}}

// hostileTask makes calls again and again, with a file open and buffers to find.
func hostileTask(t *testing.T, turns uint32, calls ...handmade.HostCall) Task {
	t.Helper()
	data := make([]byte, 10_000)
	for at := 4096; at < 8192; at += 8 {
		data[at+4] = byte(at / 8 % 3) // buffers of 0 to 2 bytes
	}
	copy(data[24:], "a.txt")
	data[46] = 3 // a buffer of 192 KiB, at 40
	task := newTask(t, handmade.Caller{Pages: 4, Data: data, Once: []handmade.HostCall{openFile}, Again: calls, Turns: turns}.Encode())
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, make([]byte, 10_000), 0o600); err != nil {
		t.Fatal(err)
	}
	task.Data = map[string]string{"a.txt": path, "b.txt": path}
	return task
}

// TestNoCallOfTheHostPaysBetterThanComputing: by no call does a guest get more than twice
// the fuel in a second that a plain loop gets. Fuel is credit, and should be work.
func TestNoCallOfTheHostPaysBetterThanComputing(t *testing.T) {
	if testing.Short() || raceDetector {
		t.Skip("takes seconds, and measures time")
	}
	s := newSlot(t)
	rate := func(task Task) float64 {
		r := run(t, s, task)
		wantStatus(t, r, Exited, "")
		return float64(r.Fuel) / float64(max(1, r.Elapsed))
	}
	var honest float64
	loop := newTask(t, handmade.Count(20))
	for range 5 {
		honest = max(honest, rate(loop))
	}
	most, which := 0.0, ""
	check := func(what any, task Task) {
		got := rate(task)
		if got > most {
			most, which = got, fmt.Sprint(what)
		}
		if got > 2*honest {
			t.Errorf("%v: %.1f units of fuel in a nanosecond, computing gives %.1f", what, got, honest)
		}
	}
	for _, c := range hostileCalls(t) {
		check(c, hostileTask(t, 500, c))
	}
	check("opening a file", hostileTask(t, 500, openFile, handmade.HostCall{Name: "fd_close", Form: "i:i", Args: []int64{5}}))
	const constant, grow, drop = 0x41, 0x40, 0x1a
	large := newTask(t, handmade.Spec{Code: []byte{constant, 0xff, 0xff, 0x03, grow, 0, drop}, Pages: 1}.Encode()) // to 4 GiB
	large.Memory = maxMemory
	check("memory that grows", large)
	t.Logf("computing gives %.1f units in a nanosecond, the best call %.1f: %s", honest, most, which)
}

// TestHostileCallsAreCountedAlike on both engines, and by both rules.
func TestHostileCallsAreCountedAlike(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	compiled, interpreted := newSlot(t), newInterpreter(t)
	for _, rules := range []uint32{prices.ByClaim, prices.ByWork} {
		all := hostileCalls(t)
		if rules == prices.ByClaim {
			// By these rules the engine makes room for the number that is asked for,
			// which may take longer than a task has.
			all = slices.DeleteFunc(all, func(c handmade.HostCall) bool { return c.Name == "fd_renumber" })
		}
		for calls := range slices.Chunk(all, 7) {
			task := hostileTask(t, 1, calls...)
			task.Metering = rules
			want, got := run(t, compiled, task), run(t, interpreted, task)
			if want.Status != got.Status || want.Fuel != got.Fuel {
				t.Errorf("%v: compiled %v with fuel %d, interpreted %v with fuel %d", calls, want.Status, want.Fuel, got.Status, got.Fuel)
			}
		}
	}
}
