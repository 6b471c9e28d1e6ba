package jobs

import (
	"bytes"
	"maps"
	"slices"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"pgregory.net/rapid"
)

// checkAgenda: what is kept up by each command is what a walk over all open tasks finds.
// fresh is the same state, indexed from nothing.
func (g *grid) checkAgenda(t *rapid.T, fresh *State) {
	for id, j := range g.Jobs {
		if j.State != JobRunning {
			if j.agenda != nil {
				t.Fatalf("%s is over, and has an agenda", id)
			}
			continue
		}
		g.checkCounts(t, id, j, fresh.Jobs[id])
		g.checkEager(t, id, j)
	}
	g.checkEnds(t)
}

func (g *grid) checkCounts(t *rapid.T, id JobID, j, fresh *Job) {
	running, paused, disputed, checking, going, goingAt := 0, 0, 0, []Place{}, 0, 0
	patience := j.Patience()
	for _, place := range j.OpenTasks() {
		task := j.Open[place]
		running += task.Running()
		underway, timely := false, false
		for _, a := range task.Attempts {
			if a.State == AttemptRunning && a.Paused {
				paused++
			}
			if a.underway() {
				underway = true
				if g.Now-a.Started <= patience {
					going++
					timely = true
				}
			}
		}
		if timely {
			goingAt++
		}
		if task.Disputed {
			disputed++
		}
		if underway && task.owners() > 0 {
			checking = append(checking, place)
		}
	}
	if j.Running() != running || j.Paused() != paused || j.Disputed() != disputed || g.GoingOn(j) != going || g.GoingOnAt(j) != goingAt {
		t.Fatalf("%s: running %d, paused %d, disputed %d, going %d at %d; want %d, %d, %d, %d, %d", id,
			j.Running(), j.Paused(), j.Disputed(), g.GoingOn(j), g.GoingOnAt(j), running, paused, disputed, going, goingAt)
	}
	if got := slices.Collect(j.agenda.checking.all); !slices.Equal(got, checking) || j.agenda.checking.size != len(got) {
		t.Fatalf("%s: being checked are %v, want %v", id, got, checking)
	}
	if a, b := slices.Collect(j.Restless), slices.Collect(fresh.Restless); !slices.Equal(a, b) {
		t.Fatalf("%s: restless are %v, and from nothing %v", id, a, b)
	}
}

// checkEager: what wants attempts is among the eager, and judging the others once more
// changes nothing.
func (g *grid) checkEager(t *rapid.T, id JobID, j *Job) {
	var eager []Place
	for e, next := g.Eager(j), true; next; {
		var place Place
		if place, next = e.Next(); next {
			eager = append(eager, place)
		}
	}
	if !slices.IsSorted(eager) || len(eager) != len(slices.Compact(slices.Clone(eager))) {
		t.Fatalf("%s: %v is in no order", id, eager)
	}
	for place, task := range j.Open {
		v := g.Judge(j, task)
		if v.Want > 0 && !slices.Contains(eager, place) {
			t.Fatalf("%s: task %d wants %d, and is not among %v: %+v", id, place, v.Want, eager, task)
		}
		if !j.agenda.restless.has(place) && (v.Kind == Disputed || v.Kind == Failed || v.Kind == Agreed && j.Closed[place].vote() != v.Vote) {
			t.Fatalf("%s: task %d is calm, and its verdict is %+v", id, place, v)
		}
	}
}

// checkCalm: judging what is calm once more changes nothing of the state. It may change s,
// which is nobody's.
func checkCalm(t *rapid.T, s *State) {
	before := encoded(t, s)
	h := newHearing()
	for _, id := range s.running {
		j := s.Jobs[id]
		for _, place := range j.OpenTasks() {
			if !j.agenda.restless.has(place) {
				s.rejudge(h, id, place, func(*Task) {})
			}
		}
	}
	if len(h.blamed)+len(h.reopened)+len(h.changed) > 0 || !bytes.Equal(encoded(t, s), before) {
		t.Fatalf("what is calm has changed: %+v", h)
	}
}

// encoded is a state as snapshots hold it.
func encoded(t *rapid.T, s *State) []byte {
	mode, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		t.Fatal(err)
	}
	data, err := mode.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// checkEnds: the leases that end by any time are found.
func (g *grid) checkEnds(t *rapid.T) {
	for _, at := range []Time{g.Now, g.Now + 1000, g.Now + 4000, g.Now + 1<<40} {
		var want []LeaseID
		for id, p := range g.leases.attempts {
			if g.attempt(p).Expires <= at {
				want = append(want, id)
			}
		}
		slices.Sort(want)
		if got := g.ended(at, 1<<30); !slices.Equal(got, want) {
			t.Fatalf("by %d end %v, want %v", at, got, want)
		}
	}
	held := 0
	for worker, h := range g.leases.byWorker {
		held += len(h.leases)
		if g.leases.soonest[h.at] != h || len(h.leases) == 0 {
			t.Fatalf("%s is not in its place", worker)
		}
	}
	if held != len(g.leases.attempts) || len(g.leases.soonest) != len(g.leases.byWorker) {
		t.Fatalf("%d leases of workers, %d in all", held, len(g.leases.attempts))
	}
}

func TestPlaceSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var x placeSet
		want := map[Place]bool{}
		for range rapid.IntRange(0, 200).Draw(t, "steps") {
			p := Place(rapid.Uint32Range(0, 9000).Draw(t, "place"))
			in := rapid.Bool().Draw(t, "in")
			x.put(p, in)
			if in {
				want[p] = true
			} else {
				delete(want, p)
			}
		}
		if got := slices.Collect(x.all); !slices.Equal(got, slices.Sorted(maps.Keys(want))) || x.size != len(want) {
			t.Fatalf("%v, want %v", got, slices.Sorted(maps.Keys(want)))
		}
	})
}

func TestSpread(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var x spread
		var list []Time
		for range rapid.IntRange(0, 400).Draw(t, "steps") {
			if len(list) > 0 && rapid.Bool().Draw(t, "less") {
				i := rapid.IntRange(0, len(list)-1).Draw(t, "which")
				x.add(list[i], -1)
				list = slices.Delete(list, i, i+1)
			} else {
				at := Time(rapid.Int64Range(0, 500).Draw(t, "at"))
				x.add(at, 1)
				list = append(list, at)
			}
			at, want := Time(rapid.Int64Range(0, 500).Draw(t, "since")), 0
			for _, began := range list {
				if began >= at {
					want++
				}
			}
			if got := x.since(at); got != want {
				t.Fatalf("since %d: %d, want %d of %v", at, got, want, list)
			}
		}
	})
}
