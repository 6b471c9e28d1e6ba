package trial

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/handmade"
	"github.com/anthill-grid/anthill/worker/sandbox"
)

// TestMain lets this test binary be the sandbox's child as well.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "sandbox-child" {
		if err := sandbox.ChildMain(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func newTask(t *testing.T, module []byte) sandbox.Task {
	t.Helper()
	path := filepath.Join(t.TempDir(), "module.wasm")
	if err := os.WriteFile(path, module, 0o600); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(module)
	return sandbox.Task{
		Module: path, ModuleID: hex.EncodeToString(sum[:]), Stdin: []byte("shard"),
		Time: time.Minute, Memory: 1 << 20, Output: 1 << 20,
	}
}

func TestDo(t *testing.T) {
	both := []string{Compiler, Compiler, Interpreter}
	for _, test := range []struct {
		name    string
		module  []byte
		change  func(*sandbox.Task, *Config)
		status  sandbox.Status
		engines []string
		passed  bool
	}{
		{"good", handmade.Echo(), nil, sandbox.Exited, both, true},
		{"without interpreter", handmade.Echo(), func(_ *sandbox.Task, c *Config) { c.SkipInterpreter = true }, sandbox.Exited, both[:2], true},
		{"exit code", handmade.Exit(3), nil, sandbox.Exited, both, false},
		{"trap", handmade.Trap(), nil, sandbox.Trapped, both, false},
		{"fuel", handmade.Loop(), func(t *sandbox.Task, _ *Config) { t.Fuel = 1000 }, sandbox.OutOfFuel, both, false},
		{"time", handmade.Loop(), func(t *sandbox.Task, _ *Config) { t.Time = 50 * time.Millisecond }, sandbox.TimedOut, both[:1], false},
		{"refused", []byte("no module"), nil, sandbox.Refused, both[:1], false},
	} {
		t.Run(test.name, func(t *testing.T) {
			var begun []string
			task := newTask(t, test.module)
			cfg := Config{Command: []string{os.Args[0], "sandbox-child"}, Begin: func(engine string) { begun = append(begun, engine) }}
			if test.change != nil {
				test.change(&task, &cfg)
			}
			r, err := Do(t.Context(), cfg, task)
			if err != nil {
				t.Fatal(err)
			}
			if r.First().Status != test.status || !slices.Equal(begun, test.engines) || len(r.Runs) != len(begun) ||
				r.Passed() != test.passed || len(r.Differences) > 0 {
				t.Errorf("%v (%s), runs %v, passed %v, differences %v", r.First().Status, r.First().Reason, begun, r.Passed(), r.Differences)
			}
		})
	}
}

func TestDoIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := Do(ctx, Config{Command: []string{os.Args[0], "sandbox-child"}}, newTask(t, handmade.Loop()))
	if err == nil || ctx.Err() == nil {
		t.Errorf("error %v", err)
	}
}

func TestDifferences(t *testing.T) {
	base := sandbox.Result{Status: sandbox.Exited, Fuel: 10, Memory: 100, Output: []byte("abc"), Elapsed: time.Second, Stderr: []byte("log")}
	for _, test := range []struct {
		change func(*sandbox.Result)
		want   string
	}{
		{func(r *sandbox.Result) { r.Elapsed, r.Stderr = 2*time.Second, nil }, ""},
		{func(r *sandbox.Result) { r.Status, r.Reason, r.Fuel = sandbox.Trapped, "why", 1 },
			"the ending: exited on the compiler, trapped on the interpreter (why)"},
		{func(r *sandbox.Result) { r.ExitCode = 1 }, "the exit code: 0 on the compiler, 1 on the interpreter"},
		{func(r *sandbox.Result) { r.Fuel = 11 }, "the fuel: 10 on the compiler, 11 on the interpreter"},
		{func(r *sandbox.Result) { r.Memory = 50 }, "the memory at the end: 100 on the compiler, 50 on the interpreter"},
		{func(r *sandbox.Result) { r.Output = []byte("abX") }, "the output, from byte 2 on: 3 bytes on the compiler, 3 on the interpreter"},
		{func(r *sandbox.Result) { r.Output = []byte("ab") }, "the output, from byte 2 on: 3 bytes on the compiler, 2 on the interpreter"},
	} {
		other := base
		test.change(&other)
		if got := strings.Join(differences(Run{Compiler, base}, Run{Interpreter, other}), "\n"); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
	other := base
	other.Fuel = 11
	if got := differences(Run{Compiler, base}, Run{Compiler, other}); len(got) != 1 || !strings.HasSuffix(got[0], "11 on the compiler the second time") {
		t.Errorf("two compiled runs: %q", got)
	}
}

// TestMissingIsNoDifference: an end that depends on the machine says nothing of the
// task, but a comparison that did not take place is none that was passed.
func TestMissingIsNoDifference(t *testing.T) {
	good := sandbox.Result{Status: sandbox.Exited}
	r := Report{Runs: []Run{{Compiler, good}, {Compiler, good}, {Interpreter, sandbox.Result{Status: sandbox.Killed, Reason: "out of memory"}}}}
	r.compare()
	if len(r.Differences) > 0 || r.Missing != "the interpreter gave no result to compare: killed: out of memory" || r.Passed() {
		t.Errorf("differences %q, missing %q, passed %v", r.Differences, r.Missing, r.Passed())
	}
	r = Report{Runs: r.Runs[:2]}
	if r.compare(); !r.Passed() {
		t.Errorf("two equal runs: %+v", r)
	}
}
