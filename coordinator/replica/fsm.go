package replica

import (
	"fmt"
	"io"
	"sync"

	"github.com/hashicorp/raft"

	"github.com/anthill-grid/anthill/jobs"
)

// fsm lets raft apply commands to a jobs.State.
type fsm struct {
	mu       sync.RWMutex
	state    *jobs.State
	index    uint64 // of the last applied command
	changed  chan struct{}
	observe  func(*jobs.Command, jobs.Outcome, *jobs.State)
	compared comparisons
}

func newFSM() *fsm {
	return &fsm{state: jobs.NewState(), changed: make(chan struct{}), observe: func(*jobs.Command, jobs.Outcome, *jobs.State) {}}
}

func (f *fsm) view(read func(*jobs.State)) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	read(f.state)
}

func (f *fsm) applied() uint64 {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.index
}

func (f *fsm) watch() <-chan struct{} {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.changed
}

// advance notes that the state is as of index, and wakes who waits for it.
func (f *fsm) advance(index uint64) {
	f.index = index
	close(f.changed)
	f.changed = make(chan struct{})
}

// Apply implements raft.FSM. raft gives it no way to fail, and to go on after
// an entry that cannot be read would be to lie: it panics.
func (f *fsm) Apply(entry *raft.Log) any {
	c, err := DecodeCommand(entry.Data)
	if err != nil {
		panic(fmt.Sprintf("log entry %d: %v", entry.Index, err))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	out := f.state.Apply(c)
	f.observe(&c, out, f.state)
	if c.Compare != nil {
		f.compared.note(entry.Index, *c.Compare, f.state)
	}
	f.advance(entry.Index)
	return out
}

// Snapshot implements raft.FSM: it copies the state, so that Apply goes on
// while the copy is written.
func (f *fsm) Snapshot() (raft.FSMSnapshot, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return &snapshot{Index: f.index, State: f.state.Clone()}, nil
}

// Restore implements raft.FSM.
func (f *fsm) Restore(r io.ReadCloser) error {
	defer r.Close()
	s, err := decodeSnapshot(r)
	if err != nil {
		return fmt.Errorf("restore snapshot: %w", err)
	}
	s.State.Reindex()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state, f.compared = s.State, comparisons{}
	f.advance(s.Index)
	return nil
}

// snapshot is the state as of a log index.
type snapshot struct {
	Index uint64      `cbor:"1,keyasint"`
	State *jobs.State `cbor:"2,keyasint"`
}

// Persist implements raft.FSMSnapshot.
func (s *snapshot) Persist(sink raft.SnapshotSink) error {
	if err := encodeSnapshot(sink, s); err != nil {
		_ = sink.Cancel() // the first error says more
		return fmt.Errorf("write snapshot: %w", err)
	}
	return sink.Close()
}

// Release implements raft.FSMSnapshot.
func (s *snapshot) Release() {}
