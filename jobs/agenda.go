package jobs

import (
	"cmp"
	"slices"
)

// agenda is what there is to do at a running job's open tasks, so that nobody has to walk
// over all of them. It is derived from them, and kept up by whatever changes them.
//
// Most open tasks are calm: somebody is at them, and they want nothing, whatever becomes of
// owners and other tasks, until one of their own attempts ends, or is late. What is not is
// restless, and has to be judged to know.
type agenda struct {
	restless placeSet
	// checking are the tasks that have a vote, and an attempt that goes on.
	checking placeSet
	// going are the attempts that go on, by when they began, and latest the tasks by their
	// youngest one. old finds the tasks by all of them.
	going, latest spread
	old           elders
	// running counts the attempts that run, paused those of them that stand still, and
	// disputed the tasks of which the votes disagree.
	running, paused, disputed int
}

// mark is how a task is counted in the agenda.
type mark struct {
	disputed bool
	youngest Time // of its attempts that go on
	goes     bool // there is any
}

// began counts an attempt that runs now, and ended one that does no more.
func (g *agenda) began(a *Attempt, place Place) {
	if g == nil {
		return
	}
	g.running++
	if a.Paused {
		g.paused++
		return
	}
	g.going.add(a.Started, 1)
	g.old.push(elder{a.Started, place})
}

func (g *agenda) ended(a *Attempt) {
	if g == nil {
		return
	}
	g.running--
	if a.Paused {
		g.paused--
		return
	}
	g.going.add(a.Started, -1)
}

// pause notes that an attempt that runs stands still, or goes on.
func (s *State) pause(p AttemptRef, paused bool) {
	j, a := s.Jobs[p.Job], s.attempt(p)
	if a.Paused == paused {
		return
	}
	j.agenda.ended(a)
	a.Paused = paused
	j.agenda.began(a, p.Place)
	s.plan(j, p.Place)
}

// plan enters an open task as it is now. Whatever has changed its attempts calls it.
func (s *State) plan(j *Job, place Place) {
	g, t := j.agenda, j.Open[place]
	if g == nil || t == nil {
		return
	}
	m := mark{disputed: t.Disputed}
	voted := false
	for i := range t.Attempts {
		a := &t.Attempts[i]
		voted = voted || a.State == AttemptVoted
		if a.underway() {
			m.youngest, m.goes = max(m.youngest, a.Started), true
		}
	}
	g.remark(t.mark, m)
	t.mark = m
	g.restless.put(place, !s.calm(j, t))
	g.checking.put(place, voted && m.goes)
	if len(g.old) > 64+2*g.running { // most of them have ended
		g.old.prune(j)
	}
}

// planAll enters all open tasks once more: the rules by which they are judged have changed.
func (s *State) planAll() {
	for _, id := range s.running {
		j := s.Jobs[id]
		for place := range j.Open {
			s.plan(j, place)
		}
	}
}

func (g *agenda) remark(before, now mark) {
	if before.goes != now.goes || before.youngest != now.youngest {
		if before.goes {
			g.latest.add(before.youngest, -1)
		}
		if now.goes {
			g.latest.add(now.youngest, 1)
		}
	}
	if before.disputed {
		g.disputed--
	}
	if now.disputed {
		g.disputed++
	}
}

// unplan takes out a task that is open no more.
func (j *Job) unplan(place Place, t *Task) {
	if j.agenda == nil {
		return
	}
	j.agenda.remark(t.mark, mark{})
	t.mark = mark{}
	j.agenda.restless.put(place, false)
	j.agenda.checking.put(place, false)
}

// calm says that an open task wants nothing, and that judging it once more changes nothing,
// as long as its own attempts stay as they are and none of them is late.
func (s *State) calm(j *Job, t *Task) bool {
	underway, voted, equal := 0, false, true
	var vote Vote
	for i := range t.Attempts {
		a := &t.Attempts[i]
		if a.underway() {
			underway++
		}
		if a.State == AttemptVoted {
			equal = equal && (!voted || a.Vote == vote)
			vote, voted = a.Vote, true
		}
	}
	switch {
	case t.Disputed || t.Lies > 0 || !equal || vote.Failed:
		return false
	case j.Spec.Trust.Fixed():
		v := s.judgeAmong(j, t, underway)
		return underway > 0 && v.Kind == Pending && v.Want == 0
	}
	return underway > 0 || voted
}

// Restless are the open tasks that may want attempts though none of theirs is late, in
// order.
func (j *Job) Restless(yield func(Place) bool) {
	if j.agenda != nil {
		j.agenda.restless.all(yield)
	}
}

// Eager gives one after the other the open tasks that may want attempts, in order: those
// that are restless, and once all are open those of which an attempt is late.
type Eager struct {
	restless *placeSet
	late     []Place
	from     Place
}

// Eager begins with the first. It goes stale when the state changes.
func (s *State) Eager(j *Job) *Eager {
	if j.agenda == nil {
		return &Eager{restless: &placeSet{}}
	}
	e := &Eager{restless: &j.agenda.restless}
	if int(j.Next) == j.Total() {
		e.late = j.agenda.old.before(j, s.Now-j.Patience())
		slices.Sort(e.late)
	}
	return e
}

// Next is the next one; false: there is none.
func (e *Eager) Next() (Place, bool) {
	for len(e.late) > 0 && e.late[0] < e.from {
		e.late = e.late[1:]
	}
	place, ok := e.restless.next(e.from)
	if len(e.late) > 0 && (!ok || e.late[0] < place) {
		place, ok = e.late[0], true
	}
	if ok {
		e.from = place + 1
	}
	return place, ok
}

// GoingOnAt is the number of open tasks at which an attempt goes on that takes no longer
// than usual.
func (s *State) GoingOnAt(j *Job) int {
	if j.agenda == nil {
		return 0
	}
	return j.agenda.latest.since(s.Now - j.Patience())
}

// elder is an attempt that went on, and may still.
type elder struct {
	began Time
	place Place
}

// elders are a heap, the oldest on top.
type elders []elder

func (x *elders) push(e elder) {
	*x = append(*x, e)
	h := *x
	for i := len(h) - 1; i > 0 && h[i].began < h[(i-1)/2].began; i = (i - 1) / 2 {
		h[i], h[(i-1)/2] = h[(i-1)/2], h[i]
	}
}

// prune leaves those that still go on.
func (x *elders) prune(j *Job) {
	kept := (*x)[:0]
	for _, e := range *x {
		if e.goesOn(j) {
			kept = append(kept, e)
		}
	}
	slices.SortFunc(kept, func(a, b elder) int { return cmp.Compare(a.began, b.began) }) // which is a heap
	*x = slices.Compact(kept)
}

func (e elder) goesOn(j *Job) bool {
	t := j.Open[e.place]
	return t != nil && slices.ContainsFunc(t.Attempts, func(a Attempt) bool { return a.underway() && a.Started == e.began })
}

// before are the places of those that began before a time, in any order.
func (x elders) before(j *Job, at Time) (list []Place) {
	var walk func(i int)
	walk = func(i int) {
		if i >= len(x) || x[i].began >= at {
			return
		}
		if x[i].goesOn(j) {
			list = append(list, x[i].place)
		}
		walk(2*i + 1)
		walk(2*i + 2)
	}
	walk(0)
	return list
}
