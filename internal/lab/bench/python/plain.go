package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/worker/sandbox"
)

// program does the items of work.py one after the other.
const program = `
import sys
TURNS, ITEMS = int(sys.argv[1]), int(sys.argv[2])
def work(x):
    n = TURNS
    while n:
        n -= 1
    return x
for i in range(ITEMS):
    work(i)
`

// plain is the interpreter without a grid: as many slots as the workers have.
type plain struct {
	slots []*sandbox.Slot
	wasm  string
	id    string // of the module
}

func newPlain(b *bench) (*plain, error) {
	module, err := os.ReadFile(b.wasm)
	if err != nil {
		return nil, err
	}
	p := &plain{wasm: b.wasm, id: blob.Of(module).ID().String()}
	for range slots {
		slot, err := sandbox.NewSlot(sandbox.Config{
			Command: []string{b.exe, "sandbox-child"}, CacheDir: filepath.Join(b.dir, "cache"), Readable: []string{b.dir},
		})
		if err != nil {
			return nil, err
		}
		p.slots = append(p.slots, slot)
	}
	return p, nil
}

func (p *plain) close() {
	for _, s := range p.slots {
		s.Close()
	}
}

// calibrate finds out how many turns take a millisecond.
func (p *plain) calibrate(ctx context.Context) (turns int, err error) {
	const guess, items = 300, 2000
	var took time.Duration
	for range 2 { // the first compiles
		if took, err = p.run(ctx, guess, items); err != nil {
			return 0, err
		}
	}
	idle, err := p.run(ctx, 0, 0)
	if err != nil {
		return 0, err
	}
	return int(guess * float64(items) * float64(time.Millisecond) / float64(took-idle)), nil
}

// run does so many items in each slot, and tells how long that takes on the clock.
func (p *plain) run(ctx context.Context, turns, items int) (time.Duration, error) {
	began := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	for _, slot := range p.slots {
		group.Go(func() error {
			r, err := slot.Run(ctx, sandbox.Task{
				Module: p.wasm, ModuleID: p.id, Args: []string{"-S", "-c", program, fmt.Sprint(turns), fmt.Sprint(items)},
				Time: 10 * time.Minute, Memory: 512 << 20, Output: 1 << 20,
			})
			if err == nil && !r.Succeeded() {
				err = fmt.Errorf("without a grid: %v: %s\n%s", r.Status, r.Reason, r.Stderr)
			}
			return err
		})
	}
	err := group.Wait()
	return time.Since(began), err
}
