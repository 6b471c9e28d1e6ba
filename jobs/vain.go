package jobs

import "time"

// Who reports again and again that a task cannot be run takes leases and gives nothing for
// them: whether it is ill-willed or broken, others should get them. Each such report
// doubles for how long its owner gets no lease, and each vote halves it. That
// is not what is thought of its results, and where the owners who say so
// of a task are proven right, it is taken back.

const (
	// freeVain is how many reports without a vote cost nothing: they happen to anybody.
	freeVain = 3
	// maxVain bounds how many are remembered, and with them the longest rest: 128 seconds.
	maxVain = freeVain + 7
	// shortestRest is the one after the first report that costs something.
	shortestRest = time.Second
)

// Tired says whether an owner gets one lease at a time, and a rest after it.
func (o *Owner) Tired() bool { return o.Vain >= freeVain }

// Resting says whether an owner gets no lease at this time.
func (s *State) Resting(id OwnerID, at Time) bool {
	o := s.Owners[id]
	return o != nil && at < o.Rests
}

// tire counts a report without a vote against an owner.
func (s *State) tire(id OwnerID) {
	if !s.can(VersionThinkers) {
		return
	}
	o := s.Owners[id]
	o.Vain = min(o.Vain+1, maxVain)
	s.restAgain(o)
}

// restAgain begins the rest of one that is tired.
func (s *State) restAgain(o *Owner) {
	if o.Tired() {
		o.Rests = max(o.Rests, s.Now.Add(shortestRest<<(o.Vain-freeVain)))
	}
}

// revive makes up for a report without a vote. Who is not tired any more rests no more.
func (o *Owner) revive() {
	o.Vain -= min(1, o.Vain)
	if !o.Tired() {
		o.Rests = 0
	}
}
