package sandbox

import (
	"context"
	"sync"

	"github.com/anthill-grid/anthill/worker/sandbox/walls"
)

// gate is shut while a slot is paused: the child that is behind it stands
// still, and no task passes it.
type gate struct {
	mu      sync.Mutex
	shut    bool
	changed chan struct{} // closed when shut changes next
	child   *process      // nil if there is none
}

func newGate() *gate { return &gate{changed: make(chan struct{})} }

// set shuts the gate or opens it.
func (g *gate) set(shut bool) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut == shut {
		return nil
	}
	g.shut = shut
	close(g.changed)
	g.changed = make(chan struct{})
	switch {
	case g.child == nil:
		return nil
	case shut:
		return walls.Halt(g.child.cmd.Process)
	}
	return walls.Proceed(g.child.cmd.Process)
}

// adopt puts a child behind the gate, nil for none. One that comes while the
// gate is shut stands still at once.
func (g *gate) adopt(child *process) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.child = child
	if child == nil || !g.shut {
		return nil
	}
	return walls.Halt(child.cmd.Process)
}

// state says whether the gate is shut, and how to hear when that changes.
func (g *gate) state() (shut bool, changed <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.shut, g.changed
}

// pass waits until the gate is open.
func (g *gate) pass(ctx context.Context, closed <-chan struct{}) error {
	for {
		shut, changed := g.state()
		if !shut {
			return nil
		}
		select {
		case <-changed:
		case <-closed:
			return ErrClosed
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// PID is the process id of the slot's child, 0 if there is none. It does not wait
// for a task that is under way.
func (s *Slot) PID() int {
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	if s.gate.child == nil {
		return 0
	}
	return s.gate.child.cmd.Process.Pid
}
