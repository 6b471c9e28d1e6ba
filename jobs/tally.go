package jobs

import "slices"

// tally counts on whose word a job's accepted results rest. It is derived from
// the job's tasks: what the expected error is computed from without a walk
// over all of them, and where placement finds tasks to check.
//
// Invariant: after every command, and whenever a task is judged, the tally of a
// running job holds each of its accepted results (that a task fails is one, that it was
// given up is none) exactly once, by the votes that
// stand for and against it now; except the one task that retally has taken out.
type tally struct {
	// alone lists by owner's number the places that rest on its word alone.
	alone [][]Place
	// slot is where each place is in its list, or heap.
	slot []uint32
	// pairs counts the results that rest on two owners.
	pairs map[pair]int64
	// checked counts by owner's number the results of this job in which it was
	// checked.
	checked []uint64
	// deep are the places that rest on more owners, or are contested.
	deep map[Place]bool
	// worth is what the pairs add to the risk, as of some commands ago: see
	// appraise.
	worth     Prob
	appraised int
	// ledgers hold by owner's number the results of steady jobs, instead of alone, pairs
	// and checked; then deep are the contested ones only.
	ledgers []ledger
	// lies are the places about which a lie came out.
	lies []Place
}

// pair is two owners by their numbers, the smaller first.
type pair struct{ a, b ownerNumber }

func pairOf(a, b ownerNumber) pair { return pair{min(a, b), max(a, b)} }

func newTally() *tally { return &tally{pairs: map[pair]int64{}, deep: map[Place]bool{}} }

// retally does what changes the votes for a task, or its result, and keeps the
// tally's invariant: the task is out of the tally meanwhile. What its result takes is
// booked.
func (s *State) retally(j *Job, place Place, change func()) {
	s.discount(j, place)
	before := s.resultBytes(j, place)
	change()
	s.plan(j, place)
	s.count(j, place)
	if j.State == JobRunning { // otherwise see settleAccount
		s.bookResults(j, s.resultBytes(j, place)-before)
	}
}

// count enters an accepted result into the tally.
func (s *State) count(j *Job, place Place) {
	if j.State != JobRunning || !j.Closed[place].decided() {
		return
	}
	if j.steady() {
		s.enter(j, place)
		return
	}
	who, contested := s.supporters(j, place)
	j.tally.check(who, 1)
	switch {
	case contested || len(who) > 2:
		j.tally.deep[place] = true
	case len(who) == 2:
		j.tally.pairs[pairOf(who[0], who[1])]++
	case len(who) == 1:
		j.tally.push(who[0], place)
	}
}

// discount takes an accepted result out of the tally, as count entered it.
func (s *State) discount(j *Job, place Place) {
	if j.State != JobRunning || !j.Closed[place].decided() {
		return
	}
	if j.steady() {
		s.leave(j, place)
		return
	}
	who, contested := s.supporters(j, place)
	j.tally.check(who, -1)
	switch {
	case contested || len(who) > 2:
		delete(j.tally.deep, place)
	case len(who) == 2:
		p := pairOf(who[0], who[1])
		if j.tally.pairs[p]--; j.tally.pairs[p] == 0 {
			delete(j.tally.pairs, p)
		}
	case len(who) == 1:
		j.tally.pull(who[0], place)
	}
}

// check counts owners whose votes agree. -1 takes it back.
func (t *tally) check(who []ownerNumber, n int) {
	if len(who) < 2 {
		return
	}
	for _, owner := range who {
		for len(t.checked) <= int(owner) {
			t.checked = append(t.checked, 0)
		}
		t.checked[owner] += uint64(n)
	}
}

func (t *tally) push(owner ownerNumber, place Place) {
	for len(t.alone) <= int(owner) {
		t.alone = append(t.alone, nil)
	}
	for len(t.slot) <= int(place) {
		t.slot = append(t.slot, 0)
	}
	t.slot[place] = uint32(len(t.alone[owner]))
	t.alone[owner] = append(t.alone[owner], place)
}

func (t *tally) pull(owner ownerNumber, place Place) {
	list := t.alone[owner]
	last := list[len(list)-1]
	list[t.slot[place]] = last
	t.slot[last] = t.slot[place]
	t.alone[owner] = list[:len(list)-1]
}

// supporters are the owners, by number, who voted for a task's accepted result,
// and whether votes for others stand against them.
func (s *State) supporters(j *Job, place Place) (who []ownerNumber, contested bool) {
	t, accepted := j.task(place), j.Closed[place].vote()
	if t == nil {
		for number, state := range j.tried(place) {
			if state == AttemptVoted {
				who = add(who, s.ownerAt(number).number)
			}
		}
		return who, false
	}
	for i := range t.Attempts {
		a := &t.Attempts[i]
		switch {
		case a.State != AttemptVoted:
		case a.Vote == accepted:
			who = add(who, s.Owners[a.Owner].number)
		default:
			contested = true
		}
	}
	return who, contested
}

// add keeps the list free of duplicates: an owner's second vote says nothing.
func add(who []ownerNumber, owner ownerNumber) []ownerNumber {
	if slices.Contains(who, owner) {
		return who
	}
	return append(who, owner)
}

// ownerAt is the owner of the node with this number, counted from 1.
func (s *State) ownerAt(number NodeNumber) *Owner {
	return s.Owners[s.Nodes[s.Numbered[number-1]].Owner]
}
