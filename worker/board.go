package worker

import (
	"slices"
	"sync"
	"time"

	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/worker/control"
)

// board shows what each slot runs.
type board struct {
	mu    sync.Mutex
	slots []control.Slot
}

func newBoard(slots int) *board { return &board{slots: make([]control.Slot, max(0, slots))} }

func (b *board) begin(slot int, lease *anthillv1.Lease, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.slots[slot] = control.Slot{Job: lease.GetJobId(), Task: new(lease.GetTask()), Since: &now}
}

func (b *board) end(slot int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.slots[slot] = control.Slot{}
}

func (b *board) list() []control.Slot {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.slots)
}
