package jobs

// leaseIndex finds attempts by their leases. It is derived from the open tasks.
type leaseIndex struct {
	attempts map[LeaseID]AttemptRef
	byWorker map[NodeID]map[LeaseID]bool
}

func newLeaseIndex() leaseIndex {
	return leaseIndex{map[LeaseID]AttemptRef{}, map[NodeID]map[LeaseID]bool{}}
}

func (x leaseIndex) has(id LeaseID) bool {
	_, ok := x.attempts[id]
	return ok
}

// of are the leases of a worker, in order.
func (x leaseIndex) of(worker NodeID) []LeaseID { return sortedKeys(x.byWorker[worker]) }

func (x leaseIndex) add(id LeaseID, worker NodeID, p AttemptRef) {
	x.attempts[id] = p
	if x.byWorker[worker] == nil {
		x.byWorker[worker] = map[LeaseID]bool{}
	}
	x.byWorker[worker][id] = true
}

func (x leaseIndex) drop(id LeaseID, worker NodeID) {
	delete(x.attempts, id)
	delete(x.byWorker[worker], id)
	if len(x.byWorker[worker]) == 0 {
		delete(x.byWorker, worker)
	}
}
