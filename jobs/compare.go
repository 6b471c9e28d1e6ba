package jobs

import "slices"

// CompareStates marks a place in the log at which all replicas look at the same part of
// their states, so that the parts can be compared. It changes nothing. The leader draws the
// part: over time all of the state is looked at, and none of it at once, since nothing is
// applied meanwhile.
type CompareStates struct {
	Part  uint32 `cbor:"1,keyasint"`
	Parts uint32 `cbor:"2,keyasint"`
}

const (
	// excerptTasks is about how many tasks are in a part, and stretch how many, or how many
	// answers, are in one piece of it.
	excerptTasks = 16384
	stretch      = 4096
)

// Parts is how many parts the state is to be compared in: each is hashed within some ten
// milliseconds.
func (s *State) Parts() uint32 {
	tasks := len(s.Answered)
	for _, j := range s.Jobs {
		tasks += max(len(j.Closed), len(j.Order)) + len(j.Open) + 1
	}
	return uint32(1 + tasks/excerptTasks)
}

// Excerpt yields the values that make up a part. They encode alike on replicas whose states
// are equal. They must not be changed, nor kept.
func (s *State) Excerpt(c CompareStates, yield func(any)) {
	n := uint32(0)
	piece := func(v any) {
		if n%max(1, c.Parts) == c.Part {
			yield(v)
		}
		n++
	}
	rest := *s
	rest.Jobs, rest.Answered = nil, nil
	piece(&rest)
	for some := range slices.Chunk(s.Answered, stretch) {
		piece(some)
	}
	for _, id := range sortedKeys(s.Jobs) {
		head := *s.Jobs[id]
		head.Closed, head.Order = nil, nil
		piece([]any{id, &head})
		for some := range slices.Chunk(s.Jobs[id].Closed, stretch) {
			piece(some)
		}
		for some := range slices.Chunk(s.Jobs[id].Order, stretch) {
			piece(some)
		}
	}
}
