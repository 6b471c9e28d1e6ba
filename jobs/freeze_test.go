package jobs

import (
	"bytes"
	"slices"

	"pgregory.net/rapid"
)

// icebox has a state frozen now and then, and reads it while commands go on.
type icebox struct {
	frozen *Frozen
	want   []byte // the encoding of a copy that was taken at the same time
	closed map[JobID][]ClosedTask
}

// look takes one step with it after a command.
func (x *icebox) look(t *rapid.T, s *State) {
	if x.frozen == nil {
		if rapid.IntRange(0, 3).Draw(t, "freeze") == 0 {
			x.want = encoded(t, s.Clone())
			x.frozen, x.closed = s.Freeze(), map[JobID][]ClosedTask{}
		}
		return
	}
	if s.Freeze() != nil {
		t.Fatal("the state was frozen twice")
	}
	left := false
	for _, id := range sortedKeys(x.frozen.Jobs) {
		buffer := make([]ClosedTask, rapid.IntRange(0, 2).Draw(t, "read"))
		x.closed[id] = append(x.closed[id], x.frozen.Closed(id, buffer)...)
		left = left || len(x.closed[id]) < x.frozen.ClosedOf(id)
	}
	if left {
		return
	}
	for id, j := range x.frozen.Jobs {
		j.Closed = slices.Clone(x.closed[id])
	}
	if got := encoded(t, x.frozen.State); !bytes.Equal(got, x.want) {
		t.Fatalf("what was frozen has changed")
	}
	x.frozen.Release()
	x.frozen = nil
}
