// Command python measures what the grid costs a Python function: how long it is from
// nothing to the first verified result, what a task takes that does nothing, and how fast
// 10,000 items of a millisecond are against the same interpreter without a grid.
//
//	go run ./internal/lab/bench/python python.wasm
package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/localgrid"
)

// slots is how many processors the workers have between them, and the runs without a grid.
const slots = 2

//go:embed work.py
var work []byte

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run ./internal/lab/bench/python python.wasm")
		os.Exit(2)
	}
	if err := run(ctx, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// bench is a grid with an interpreter.
type bench struct {
	dir, exe, wasm string
	grid           *localgrid.Grid
}

func run(ctx context.Context, wasm string) (err error) {
	dir, err := os.MkdirTemp("", "anthill-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b := &bench{dir: dir, exe: filepath.Join(dir, "anthill"), wasm: filepath.Join(dir, "python.wasm")}
	module, err := os.ReadFile(wasm)
	if err == nil {
		err = os.WriteFile(b.wasm, module, 0o600)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "work.py"), work, 0o600)
	}
	if err != nil {
		return err
	}
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", b.exe, "github.com/anthill-grid/anthill").CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	began := time.Now()
	if b.grid, err = localgrid.Start(ctx, localgrid.Config{
		Exe: b.exe, Dir: filepath.Join(dir, "grid"), Coordinators: 3,
		Workers: []localgrid.Worker{{Owner: "a", Slots: slots / 2, Prior: 0.001}, {Owner: "b", Slots: slots / 2, Prior: 0.001}},
	}); err != nil {
		return err
	}
	defer b.grid.Close()
	return b.measure(ctx, began)
}

func (b *bench) measure(ctx context.Context, began time.Time) error {
	if out, err := b.command(ctx, b.exe, "runtime", "add", "python", b.wasm).CombinedOutput(); err != nil {
		return fmt.Errorf("runtime add: %w\n%s", err, out)
	}
	if _, err := b.python(ctx, "nothing", "0", "1"); err != nil {
		return err
	}
	fmt.Printf("first verified result    %.1f s after a grid was started, the interpreter's compilation included\n", time.Since(began).Seconds())
	idle, err := b.python(ctx, "nothing", "0", "100")
	if err != nil {
		return err
	}
	fmt.Printf("a task of nothing        %.0f ms of a slot, %.2f G fuel\n", idle.Seconds*slots/float64(idle.Attempts)*1000, float64(idle.Fuel)/float64(idle.Tasks)/1e9)
	return b.compare(ctx)
}

// compare runs the items with and without the grid, in turn, since other programs may
// slow either down.
func (b *bench) compare(ctx context.Context) error {
	plain, err := newPlain(b)
	if err != nil {
		return err
	}
	defer plain.close()
	turns, err := plain.calibrate(ctx)
	if err != nil {
		return err
	}
	for range 3 {
		alone, err := plain.run(ctx, turns, 10_000/slots)
		if err != nil {
			return err
		}
		r, err := b.python(ctx, "work", strconv.Itoa(turns), "1000")
		if err != nil {
			return err
		}
		executions := float64(r.Attempts) / float64(r.Tasks)
		fmt.Printf("10,000 items of 1 ms     %.1f s on the grid with %.2f executions a task, %.1f s without: efficiency %.2f, per execution %.2f\n",
			r.Seconds, executions, alone.Seconds(), alone.Seconds()/r.Seconds, alone.Seconds()/r.Seconds*executions)
	}
	return nil
}

// ran is what work.py prints.
type ran struct {
	Seconds         float64
	Attempts, Tasks int
	Fuel            int64
}

func (b *bench) python(ctx context.Context, args ...string) (r ran, err error) {
	cmd := b.command(ctx, "python3", append([]string{filepath.Join(b.dir, "work.py")}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return r, fmt.Errorf("python3: %w", err)
	}
	return r, json.Unmarshal(out, &r)
}

func (b *bench) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	source, err := filepath.Abs("sdk/python/src")
	if err != nil {
		panic("bench: no working directory: " + err.Error())
	}
	cmd.Env = append(os.Environ(), "ANTHILL_GRID="+b.grid.Context(), "ANTHILL_BINARY="+b.exe, "PYTHONPATH="+source)
	return cmd
}
