package jobs

import "slices"

// leaseIndex finds attempts by their leases. It is derived from the open tasks.
type leaseIndex struct {
	attempts map[LeaseID]AttemptRef
	byWorker map[NodeID]*hand
	// soonest is a heap of the same hands.
	soonest []*hand
}

// hand is what one worker holds.
type hand struct {
	leases []LeaseID // in no order
	// soon is not after the first of them ends.
	soon Time
	at   int // in the heap
}

func newLeaseIndex() leaseIndex {
	return leaseIndex{attempts: map[LeaseID]AttemptRef{}, byWorker: map[NodeID]*hand{}}
}

func (x *leaseIndex) has(id LeaseID) bool {
	_, ok := x.attempts[id]
	return ok
}

// of are the leases of a worker, in order.
func (x *leaseIndex) of(worker NodeID) []LeaseID {
	h := x.byWorker[worker]
	if h == nil {
		return nil
	}
	list := slices.Clone(h.leases)
	slices.Sort(list)
	return list
}

// holding is how many leases a worker has.
func (x *leaseIndex) holding(worker NodeID) int {
	if h := x.byWorker[worker]; h != nil {
		return len(h.leases)
	}
	return 0
}

func (x *leaseIndex) add(id LeaseID, worker NodeID, p AttemptRef, ends Time) {
	x.attempts[id] = p
	h := x.byWorker[worker]
	if h == nil {
		h = &hand{soon: ends, at: len(x.soonest)}
		x.byWorker[worker] = h
		x.soonest = append(x.soonest, h)
		x.up(h.at)
	}
	h.leases = append(h.leases, id)
	if ends < h.soon {
		x.expect(h, ends)
	}
}

func (x *leaseIndex) drop(id LeaseID, worker NodeID) {
	if !x.has(id) {
		return
	}
	delete(x.attempts, id)
	h := x.byWorker[worker]
	i, last := slices.Index(h.leases, id), len(h.leases)-1
	h.leases[i] = h.leases[last]
	if h.leases = h.leases[:last]; last == 0 {
		delete(x.byWorker, worker)
		x.remove(h.at)
	}
}

// expect notes when the first of a hand's leases may end.
func (x *leaseIndex) expect(h *hand, soon Time) {
	h.soon = soon
	x.up(h.at)
	x.down(h.at)
}

// due are the hands of which a lease may have ended by then.
func (x *leaseIndex) due(at Time, found func(*hand) bool) bool { return x.dueBelow(0, at, found) }

func (x *leaseIndex) dueBelow(i int, at Time, found func(*hand) bool) bool {
	if i >= len(x.soonest) || x.soonest[i].soon > at {
		return true
	}
	return found(x.soonest[i]) && x.dueBelow(2*i+1, at, found) && x.dueBelow(2*i+2, at, found)
}

func (x *leaseIndex) remove(i int) {
	last := len(x.soonest) - 1
	x.swap(i, last)
	x.soonest[last] = nil
	if x.soonest = x.soonest[:last]; i < last {
		x.up(i)
		x.down(i)
	}
}

func (x *leaseIndex) swap(i, k int) {
	x.soonest[i], x.soonest[k] = x.soonest[k], x.soonest[i]
	x.soonest[i].at, x.soonest[k].at = i, k
}

func (x *leaseIndex) up(i int) {
	for ; i > 0 && x.soonest[i].soon < x.soonest[(i-1)/2].soon; i = (i - 1) / 2 {
		x.swap(i, (i-1)/2)
	}
}

func (x *leaseIndex) down(i int) {
	for child := 2*i + 1; child < len(x.soonest); child = 2*i + 1 {
		if child+1 < len(x.soonest) && x.soonest[child+1].soon < x.soonest[child].soon {
			child++
		}
		if x.soonest[i].soon <= x.soonest[child].soon {
			return
		}
		x.swap(i, child)
		i = child
	}
}
