package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"

	"github.com/anthill-grid/anthill/worker/sandbox/guesttest"
)

// BenchmarkOverhead runs a guest in turns through a slot and on bare wazero,
// which stays warm too and runs in a process of the same priority. It reports
// the milliseconds of both and their ratio; compare ratios only.
func BenchmarkOverhead(b *testing.B) {
	goModule, err := goGuest()
	if err != nil {
		b.Fatal(err)
	}
	for _, g := range []struct {
		name   string
		module []byte
		args   []string
		runs   int
	}{
		{"noop-tiny", guesttest.Noop(), nil, 500},
		{"noop-go", goModule, nil, 40},
		{"count-1s", guesttest.Count(500), nil, 1},
		{"sha256-go-1s", goModule, []string{"hash"}, 1},
	} {
		b.Run(g.name, func(b *testing.B) {
			task := newTask(b, g.module)
			task.Args = g.args
			s := newSlotIn(b, sharedCache())
			bare := startBare(b, task)
			run(b, s, task)
			bare.run(b, 1)
			var ours, theirs time.Duration
			rounds := 0
			for b.Loop() {
				for range 4 {
					rounds++
					theirs += bare.run(b, g.runs)
					start := time.Now()
					for range g.runs {
						wantStatus(b, run(b, s, task), Exited, "")
					}
					ours += time.Since(start)
				}
			}
			runs := float64(rounds * g.runs)
			b.ReportMetric(ours.Seconds()*1000/runs, "slot-ms")
			b.ReportMetric(theirs.Seconds()*1000/runs, "bare-ms")
			b.ReportMetric(ours.Seconds()/theirs.Seconds(), "ratio")
		})
	}
}

// BenchmarkWarmStart is the time from a new slot to the end of its first task,
// with the code in the cache.
func BenchmarkWarmStart(b *testing.B) {
	module, err := goGuest()
	if err != nil {
		b.Fatal(err)
	}
	task := newTask(b, module)
	run(b, newSlotIn(b, sharedCache()), task)
	for b.Loop() {
		s := newSlotIn(b, sharedCache())
		run(b, s, task)
		s.Close()
	}
}

// bare is a process that runs a module on wazero without a sandbox.
type bare struct{ p *process }

func startBare(b *testing.B, task Task) bare {
	b.Helper()
	command := append([]string{os.Args[0], "bare", task.Module}, task.Args...)
	p, err := startProcess(command, filepath.Dir(task.Module))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(p.kill)
	return bare{p}
}

// run tells the process how often to run, and it answers with the nanoseconds.
func (r bare) run(b *testing.B, times int) time.Duration {
	b.Helper()
	_, err := fmt.Fprintf(r.p.in, "%d\n", times)
	if err != nil {
		b.Fatal(err)
	}
	line, err := r.p.reader.ReadString('\n')
	if err != nil {
		r.p.kill()
		b.Fatalf("bare wazero: %v: %s", err, r.p.obituary())
	}
	took, err := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return time.Duration(took)
}

func bareMain(args []string) error {
	if err := lowerPriority(); err != nil {
		return err
	}
	ctx := context.Background()
	source, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	r := wazero.NewRuntime(ctx)
	wasi_snapshot_preview1.MustInstantiate(ctx, r)
	code, err := r.CompileModule(ctx, source)
	if err != nil {
		return err
	}
	config := wazero.NewModuleConfig().WithName("").WithArgs(append([]string{programName}, args[1:]...)...)
	for {
		var times int
		if _, err := fmt.Scanln(&times); err != nil {
			return nil // the parent is done
		}
		start := time.Now()
		for range times {
			if err := bareRun(ctx, r, code, config); err != nil {
				return err
			}
		}
		fmt.Println(time.Since(start).Nanoseconds())
	}
}

func bareRun(ctx context.Context, r wazero.Runtime, code wazero.CompiledModule, config wazero.ModuleConfig) error {
	m, err := r.InstantiateModule(ctx, code, config)
	var exit *sys.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	return m.Close(ctx)
}
