package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/anthill-grid/anthill/internal/lab/bench/sandbox/guests"
)

// bareMode is the argument that makes this program the child of a bare runner.
const bareMode = "bare"

// bareOrder tells the child to run its module, bareAnswer is what came of it.
// The child's first answer, which nobody ordered, tells how long it compiled.
type bareOrder struct {
	Args  []string
	Times int
}

type bareAnswer struct {
	Took   time.Duration // of all runs, in nanoseconds
	Output string        // of the last
}

// bareMain runs a module on wazero as its documentation tells.
func bareMain(args []string) error {
	flags := flag.NewFlagSet(bareMode, flag.ExitOnError)
	contextDone := flags.Bool("context-done", false, "let the context end the guest")
	cache := flags.String("cache", "", "keep compiled code in this `directory`")
	if err := flags.Parse(args); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	config := wazero.NewRuntimeConfig().WithCloseOnContextDone(*contextDone)
	if *cache != "" {
		dir, err := wazero.NewCompilationCacheWithDir(*cache)
		if err != nil {
			return err
		}
		config = config.WithCompilationCache(dir)
	}
	m := bareModule{runtime: wazero.NewRuntimeWithConfig(ctx, config)}
	took, err := m.compile(ctx, flags.Arg(0))
	if err != nil {
		return err
	}
	answers := json.NewEncoder(os.Stdout)
	if err := answers.Encode(bareAnswer{Took: took}); err != nil {
		return err
	}
	return m.serve(ctx, json.NewDecoder(os.Stdin), answers)
}

type bareModule struct {
	runtime wazero.Runtime
	code    wazero.CompiledModule
}

func (m *bareModule) compile(ctx context.Context, path string) (time.Duration, error) {
	source, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	wasi_snapshot_preview1.MustInstantiate(ctx, m.runtime)
	start := time.Now()
	m.code, err = m.runtime.CompileModule(ctx, source)
	return time.Since(start), err
}

func (m *bareModule) serve(ctx context.Context, orders *json.Decoder, answers *json.Encoder) error {
	for {
		var o bareOrder
		err := orders.Decode(&o)
		if errors.Is(err, io.EOF) {
			return nil // the parent is done
		}
		if err != nil {
			return err
		}
		collectDuring(o.Times > 1)
		var a bareAnswer
		start := time.Now()
		for range o.Times {
			if a.Output, err = m.run(ctx, o.Args); err != nil {
				return err
			}
		}
		a.Took = time.Since(start)
		if err := answers.Encode(a); err != nil {
			return err
		}
		runtime.GC()
	}
}

// collectDuring switches the garbage collector: many small runs pay for what
// they leave, but in a long one it would wait at full speed for the guest to
// yield, and it has time after it, as in the sandbox.
func collectDuring(many bool) {
	percent := -1
	if many {
		percent = 100
	}
	debug.SetGCPercent(percent)
}

func (m *bareModule) run(ctx context.Context, args []string) (string, error) {
	var output bytes.Buffer
	_, err := guests.Run(ctx, m.runtime, m.code, wazero.NewModuleConfig().
		WithArgs(append([]string{"task"}, args...)...).WithStdout(&output).WithStderr(os.Stderr))
	return output.String(), err
}
