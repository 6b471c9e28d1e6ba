package jobs

import (
	"maps"
	"slices"
)

// A snapshot is written while commands go on being applied, and to copy all of a large state
// first would hold them up. So the state is frozen instead: what is small is copied, and
// what is large is shared. From then on the state copies an open task before it changes it,
// and keeps what a closed one was before, as long as that has not been read.

// Frozen is a state as it was at one moment. It must be released, and read by one goroutine
// alone; its Closed tasks by Closed, while nobody changes the state that it is of.
type Frozen struct {
	*State // its jobs have no Closed
	of     *State
	shots  map[JobID]*shot
}

// shot is what is shared of a job's closed tasks.
type shot struct {
	closed []ClosedTask
	read   Place // those below it have been read
	// before are those that have changed since.
	before map[Place]ClosedTask
}

// Freeze gives the state as it is now; nil: it is frozen already.
func (s *State) Freeze() *Frozen {
	if s.frozen != nil {
		return nil
	}
	f := &Frozen{State: s.outline(), of: s, shots: make(map[JobID]*shot, len(s.Jobs))}
	f.Jobs = make(map[JobID]*Job, len(s.Jobs))
	for id, j := range s.Jobs {
		c := *j
		c.Closed, c.tally, c.agenda, c.shot = nil, nil, nil, nil
		c.Unheld, c.Events, c.Unproven = maps.Clone(j.Unheld), slices.Clone(j.Events), slices.Clone(j.Unproven)
		if j.State == JobRunning {
			c.Open, c.Records = maps.Clone(j.Open), maps.Clone(j.Records)
			c.Reasons, c.Tries = maps.Clone(j.Reasons), maps.Clone(j.Tries)
		}
		j.shot = &shot{closed: j.Closed}
		f.Jobs[id], f.shots[id] = &c, j.shot
	}
	s.frozen = f
	s.epoch++
	return f
}

// Release lets the state forget that it was frozen. Nobody may read or change it meanwhile.
func (f *Frozen) Release() {
	if f.of.frozen != f {
		return
	}
	f.of.frozen = nil
	for _, j := range f.of.Jobs {
		j.shot = nil
	}
}

// Closed are the next closed tasks of a job, as many as fit into a buffer.
func (f *Frozen) Closed(id JobID, buffer []ClosedTask) []ClosedTask {
	x := f.shots[id]
	n := copy(buffer, x.closed[x.read:])
	for i := range buffer[:n] {
		if was, changed := x.before[x.read+Place(i)]; changed {
			buffer[i] = was
			delete(x.before, x.read+Place(i))
		}
	}
	x.read += Place(n)
	return buffer[:n]
}

// Outline is the state without its jobs. It shares all else.
func (s *State) Outline() *State {
	c := *s
	c.Jobs = nil
	return &c
}

// ClosedOf is how many closed tasks a job has.
func (f *Frozen) ClosedOf(id JobID) int { return len(f.shots[id].closed) }

// closed is the entry of a task that is to be changed.
func (j *Job) closed(place Place) *ClosedTask {
	c := &j.Closed[place]
	if x := j.shot; x != nil && place >= x.read && int(place) < len(x.closed) {
		if _, kept := x.before[place]; !kept {
			makeMap(&x.before)
			x.before[place] = *c
		}
	}
	return c
}

// unshare copies a job's closed tasks, of which most are to be changed.
func (j *Job) unshare() {
	if j.shot != nil {
		j.Closed, j.shot = slices.Clone(j.Closed), nil
	}
}

// own is an open task that is to be changed.
func (s *State) own(j *Job, place Place) *Task {
	t := j.Open[place]
	if t == nil || s.frozen == nil || t.epoch == s.epoch {
		return t
	}
	c := t.clone()
	c.epoch = s.epoch
	j.Open[place] = &c
	return &c
}
