package jobs

import "slices"

// Stage is how far a task is, as people are shown it, in the order of the wire enum.
type Stage byte

// The stages.
const (
	StageUntouched Stage = iota // no worker has got it yet
	StageOpen                   // an attempt is under way, or one is to be repeated
	StageAccepted               // it has its result, which is not safe yet
	StageDone
	StageDisputed
	StageFailed
)

// Stage tells how far the task is that is opened at a place.
func (j *Job) Stage(place Place) Stage {
	if place >= j.Next {
		return StageUntouched
	}
	c := &j.Closed[place]
	if t := j.Open[place]; t != nil && t.Disputed {
		return StageDisputed
	}
	switch {
	case c.failed():
		return StageFailed
	case c.open():
		return StageOpen
	}
	if _, unheld := j.Unheld[place]; unheld {
		return StageAccepted
	}
	return StageDone
}

// Stages tells how far each task is, by its index.
func (j *Job) Stages() []byte {
	list := make([]byte, j.Total())
	for place := range j.Next {
		list[j.TaskAt(place)] = byte(j.Stage(place))
	}
	return list
}

// AssumedSaboteurs is the share of strangers that the grid takes for saboteurs.
func (s *State) AssumedSaboteurs() Prob {
	if s.Saboteurs != 0 {
		return s.Saboteurs
	}
	return DefaultSaboteurs
}

// Quarrelled tells whether attempts at a task disagree, or have, as far as is still known.
func (j *Job) Quarrelled(place Place) bool {
	t := j.task(place)
	return t != nil && (t.Disputed || slices.ContainsFunc(t.Attempts, func(a Attempt) bool { return a.State == AttemptOutvoted }))
}
