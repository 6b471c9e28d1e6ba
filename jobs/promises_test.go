package jobs

import (
	"math/big"
	"reflect"
	"slices"
	"strings"

	"pgregory.net/rapid"
)

func (m *trusting) check(t *rapid.T) {
	for _, id := range sortedKeys(m.Jobs) {
		j := m.Jobs[id]
		checkOrder(t, id, j)
		checkFailures(t, id, j)
		m.checkHeld(t, id, j)
		m.checkOpen(t, id, j)
		m.checkRisk(t, id, j)
		m.checkEnd(t, id, j)
	}
	m.checkBanned(t)
	m.checkRecords(t)
	m.checkIndex(t)
}

func (m *trusting) checkHeld(t *rapid.T, id JobID, j *Job) {
	if len(j.Closed) != int(j.Next) || j.Settled() > j.Total() {
		t.Fatalf("%s: %d closed of %d opened, %d counted", id, len(j.Closed), j.Next, j.Count)
	}
	for place := range j.Closed {
		c := &j.Closed[place]
		_, unheld := j.Unheld[Place(place)]
		scarce := !c.open() && !c.failed() && m.copiesIn(c.Holders) < m.CopiesNeeded()
		if j.State == JobRunning && scarce != unheld || unheld && c.open() {
			t.Fatalf("%s: task %d has holders %b, unheld: %v", id, place, c.Holders, unheld)
		}
	}
}

// checkOpen: tasks are open that wait for something, and no others.
func (m *trusting) checkOpen(t *rapid.T, id JobID, j *Job) {
	for place := range j.Next {
		task, c := j.Open[place], &j.Closed[place]
		switch {
		case task == nil && c.open() && j.State == JobRunning:
			t.Fatalf("%s: task %d is neither open nor closed", id, place)
		case task != nil && j.Records[place] != nil:
			t.Fatalf("%s: task %d is kept twice", id, place)
		case task == nil || task.Running() > 0:
		case m.Judge(j, task).Want == 0:
			t.Fatalf("%s: task %d is stuck: %+v, %+v", id, place, task, m.Judge(j, task))
		}
	}
}

// checkBanned: they hold no lease, and their votes count nowhere.
func (m *trusting) checkBanned(t *rapid.T) {
	for _, w := range m.workers {
		if m.BannedNode(w) != "" && len(m.LeasesOf(w)) > 0 {
			t.Fatalf("%s is banned and holds %v", w, m.LeasesOf(w))
		}
	}
	for _, id := range m.Running() {
		j := m.Jobs[id]
		for place := range j.Next {
			for _, o := range m.counted(j, place) {
				if m.banned(o) {
					t.Fatalf("%s: the vote of %s on task %d counts, and it is banned", id, o, place)
				}
			}
		}
		for o := range talliedOwners(m.State, j) {
			if m.banned(o) {
				t.Fatalf("%s: %s is banned and counted", id, o)
			}
		}
	}
}

// counted are the owners whose votes on a task stand, or who run it.
func (m *trusting) counted(j *Job, place Place) []OwnerID {
	var list []OwnerID
	task := j.task(place)
	if task == nil {
		for number := range j.tried(place) {
			list = append(list, m.Nodes[m.Numbered[number-1]].Owner)
		}
		return list
	}
	for _, a := range task.Attempts {
		if a.State == AttemptVoted || a.State == AttemptRunning {
			list = append(list, a.Owner)
		}
	}
	return list
}

// talliedOwners are those who occur in a job's tally as the support of results.
func talliedOwners(s *State, j *Job) map[OwnerID]bool {
	names, list := ownerNames(s), map[OwnerID]bool{}
	for n, places := range j.tally.alone {
		if len(places) > 0 {
			list[names[n]] = true
		}
	}
	for n := range j.tally.ledgers {
		if j.tally.ledgers[n].size() > 0 {
			list[names[n]] = true
		}
	}
	for p := range j.tally.pairs {
		list[names[p.a]], list[names[p.b]] = true, true
	}
	return list
}

// checkRecords: what owners are credited with is what their attempts say.
func (m *trusting) checkRecords(t *rapid.T) {
	want := map[OwnerID]*recounted{}
	for id := range m.Owners {
		want[id] = m.earned[id].copy()
	}
	if o := want[m.veteran]; o != nil {
		o.Checks += m.checks
	}
	for _, id := range sortedKeys(m.Jobs) {
		m.recount(t, id, want)
	}
	for id, o := range m.Owners {
		w := want[id]
		if o.Agreed != w.Agreed || o.Outvoted != w.Outvoted {
			t.Fatalf("%s: %+v, want %d agreed, %d outvoted", id, o, w.Agreed, w.Outvoted)
		}
		if exact := o.Doubts == 0; exact && o.Checks != w.Checks || o.Checks > w.Checks {
			t.Fatalf("%s: %d checks, want %d (%d doubts)", id, o.Checks, w.Checks, o.Doubts)
		}
		if o.Credit > o.Agreed || o.Banned == "" && o.Credit != o.Agreed || o.Banned != "" && o.Credit != 0 {
			t.Fatalf("%s: a credit of %d for %d votes, banned: %q", id, o.Credit, o.Agreed, o.Banned)
		}
		if o.Banned != "" && o.Fuel != (FuelSum{}) || o.Banned == "" && exactly(o.Fuel).Cmp(&w.fuel) != 0 {
			t.Fatalf("%s: credited with fuel %v, want %v, banned: %q", id, exactly(o.Fuel), &w.fuel, o.Banned)
		}
	}
}

// recounted is an owner's record, from the attempts.
type recounted struct {
	Owner
	fuel big.Int
}

// copy is what an owner has without the jobs that are kept.
func (r *recounted) copy() *recounted {
	c := &recounted{}
	if r != nil {
		c.Owner = r.Owner
		c.fuel.Set(&r.fuel)
	}
	return c
}

func exactly(f FuelSum) *big.Int {
	n := new(big.Int).SetUint64(f.High)
	return n.Lsh(n, 64).Add(n, new(big.Int).SetUint64(f.Low))
}

func addFuel(sum *big.Int, n uint64) { sum.Add(sum, new(big.Int).SetUint64(n)) }

func (m *trusting) recount(t *rapid.T, id JobID, want map[OwnerID]*recounted) {
	j, said := m.Jobs[id], m.opinions(id)
	agreed, fuel := uint64(0), new(big.Int)
	for place := range j.Next {
		task, c := j.task(place), &j.Closed[place]
		if task == nil {
			task = m.remember(j, place)
		}
		addFuel(fuel, c.Fuel)
		settled := c.decided() && !task.Disputed && len(said[place]) == 1 && !m.can(VersionInput) // which hear others, too
		for _, a := range task.Attempts {
			if want[a.Owner] == nil {
				want[a.Owner] = &recounted{}
			}
			o := want[a.Owner]
			if a.State == AttemptOutvoted {
				o.Outvoted++
			}
			if a.Agreed {
				o.Agreed++
				addFuel(&o.fuel, a.Vote.Fuel)
				agreed++
			}
			if a.Checked {
				o.Checks++
			}
			if checked := a.State == AttemptVoted && task.owners() > 1; settled && (checked != a.Checked || a.Agreed != (a.State == AttemptVoted)) {
				t.Fatalf("%s: task %d is settled, with %+v", id, place, task)
			}
		}
	}
	if agreed != j.Attempts.Agreed {
		t.Fatalf("%s: %d agreed, counted %d", id, j.Attempts.Agreed, agreed)
	}
	if exactly(j.Fuel).Cmp(fuel) != 0 {
		t.Fatalf("%s: its results took %v of fuel, counted %v", id, fuel, exactly(j.Fuel))
	}
}

// checkIndex: what is derived is what Reindex derives.
func (m *trusting) checkIndex(t *rapid.T) {
	fresh := m.Clone()
	fresh.Reindex()
	m.checkAgenda(t, fresh)
	checkCalm(t, fresh)
	if !reflect.DeepEqual(m.State.leases.attempts, fresh.leases.attempts) || !reflect.DeepEqual(m.silent.attempts, fresh.silent.attempts) || !slices.Equal(m.running, fresh.running) {
		t.Fatalf("the leases %v differ from a fresh index: %v", m.State.leases, fresh.leases)
	}
	if m.crew != fresh.crew || m.bannedCrew != fresh.bannedCrew {
		t.Fatalf("%d owners, %d banned, want %d and %d", m.crew, m.bannedCrew, fresh.crew, fresh.bannedCrew)
	}
	for _, id := range sortedKeys(m.Jobs) {
		if m.Risk(m.Jobs[id]) != fresh.Risk(fresh.Jobs[id]) {
			t.Fatalf("%s: the risk is %v, a fresh one %v", id, m.Risk(m.Jobs[id]), fresh.Risk(fresh.Jobs[id]))
		}
	}
}

// checkReplay: the same commands get the same answers and make the same state,
// also where a snapshot was taken on the way.
func (m *trusting) checkReplay(t *rapid.T) {
	for _, at := range []int{-1, rapid.IntRange(0, len(m.log)-1).Draw(t, "snapshot")} {
		got := m.replay(t, at)
		if got, want := dump(t, got.Clone()), dump(t, m.Clone()); got != want {
			t.Fatalf("replayed, with a snapshot after command %d:\n%s", at, firstDifference(split(got), split(want)))
		}
		for _, id := range m.Running() {
			if got, want := namedTally(got, got.Jobs[id]), namedTally(m.State, m.Jobs[id]); !reflect.DeepEqual(got, want) {
				t.Fatalf("%s: with a snapshot after command %d the tally is %v, want %v", id, at, got, want)
			}
		}
	}
}

// split breaks JSON into lines.
func split(dump string) string { return strings.ReplaceAll(dump, "},", "},\n") }

func (m *trusting) replay(t *rapid.T, snapshot int) *State {
	s := NewState()
	for i, c := range m.log {
		if i == m.founded {
			s.Owners[m.veteran].Checks = m.checks
		}
		if got := s.Apply(c); !reflect.DeepEqual(got, m.answers[i]) {
			t.Fatalf("replayed, with a snapshot after command %d: command %d is answered %+v, not %+v", snapshot, i, got, m.answers[i])
		}
		if i == snapshot {
			s = s.Clone()
			s.Reindex()
		}
	}
	return s
}
