package jobs

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// tallyByName is a tally in which owners have their names instead of numbers,
// and lists are sets.
type tallyByName struct {
	Alone map[OwnerID]map[Place]bool
	Pairs map[[2]OwnerID]int64
	Deep  map[Place]bool
	Lies  map[Place]bool
	// Checked are the results in which owners were checked.
	Checked map[OwnerID]uint64
	// Ledgers are the results of authors, and Checkers of how many.
	Ledgers map[OwnerID]map[Place][]OwnerID
}

func namedTally(s *State, j *Job) tallyByName {
	names := ownerNames(s)
	n := tallyByName{map[OwnerID]map[Place]bool{}, map[[2]OwnerID]int64{}, maps.Clone(j.tally.deep), map[Place]bool{}, map[OwnerID]uint64{}, namedLedgers(names, j)}
	for owner, places := range j.tally.alone {
		for slot, place := range places {
			if int(j.tally.slot[place]) != slot {
				panic("a place is not where it is said to be")
			}
			if n.Alone[names[owner]] == nil {
				n.Alone[names[owner]] = map[Place]bool{}
			}
			n.Alone[names[owner]][place] = true
		}
	}
	for p, count := range j.tally.pairs {
		a, b := names[p.a], names[p.b]
		n.Pairs[[2]OwnerID{min(a, b), max(a, b)}] += count
	}
	for _, place := range j.tally.lies {
		n.Lies[place] = true
	}
	for owner, count := range j.tally.checked {
		if count != 0 {
			n.Checked[names[owner]] = count
		}
	}
	return n
}

func namedLedgers(names []OwnerID, j *Job) map[OwnerID]map[Place][]OwnerID {
	ledgers := map[OwnerID]map[Place][]OwnerID{}
	for owner := range j.tally.ledgers {
		l := &j.tally.ledgers[owner]
		if l.size() == 0 {
			continue
		}
		results := map[Place][]OwnerID{}
		for i, e := range l.alone {
			if int(j.tally.slot[e.place]) != i || i > 0 && e.before(l.alone[(i-1)/2]) {
				panic("a result is not where it is said to be, or should be")
			}
			results[e.place] = nil
		}
		if !slices.IsSortedFunc(l.checked, compareEntries) {
			panic("checked results are not in order")
		}
		for _, e := range l.checked {
			for _, c := range e.checkers {
				results[e.place] = append(results[e.place], names[c])
			}
			slices.Sort(results[e.place])
		}
		ledgers[names[owner]] = results
	}
	return ledgers
}

func ownerNames(s *State) []OwnerID {
	names := make([]OwnerID, len(s.byNumber))
	for id, o := range s.Owners {
		names[o.number] = id
	}
	return names
}

// recount is what breaks the tally's invariant, or "": it differs from one that is
// counted from nothing.
func recount(s *State) string {
	fresh := s.Clone()
	fresh.Reindex()
	for _, id := range sortedKeys(s.Jobs) {
		if got, want := namedTally(s, s.Jobs[id]), namedTally(fresh, fresh.Jobs[id]); !reflect.DeepEqual(got, want) {
			return fmt.Sprintf("%s: the tally is %v, counted from nothing it is %v", id, got, want)
		}
	}
	return recountAccounts(s, fresh)
}

// recountAccounts is what an account has that is not counted from nothing, or "".
func recountAccounts(s, fresh *State) string {
	if !reflect.DeepEqual(s.accounts, fresh.accounts) {
		return fmt.Sprintf("the accounts are %v, counted from nothing they are %v", s.accounts, fresh.accounts)
	}
	return ""
}
