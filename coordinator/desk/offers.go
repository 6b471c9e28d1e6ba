package desk

import (
	"context"
	"time"

	"github.com/anthill-grid/anthill/coordinator/placement"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/jobs"
)

// offerWait is how long an offer waits for work before the worker is told to ask again.
const offerWait = 8 * time.Second

// Lease is a lease with all that its worker has to know of it.
type Lease struct {
	ID        jobs.LeaseID
	Job       jobs.JobID
	Task      jobs.Index
	Owner     jobs.OwnerID // of the job
	Spec      jobs.Spec
	Providers []swarm.Provider // of the job's blobs
}

// offer is a worker waiting for work.
type offer struct {
	capacity int
	granted  chan []Lease // one answer, or closed: ask again
}

func newOffer(capacity int) *offer { return &offer{capacity, make(chan []Lease, 1)} }

// Offer waits for some seconds until there are leases for a worker, of jobs whose fuel it
// can count: those by rules up to metering. A worker has one offer; a new one replaces it.
func (d *Desk) Offer(ctx context.Context, id jobs.NodeID, capacity int, metering uint32) ([]Lease, error) {
	o := newOffer(capacity)
	if !d.register(id, o, metering) {
		return nil, ErrNoLeader
	}
	defer d.withdraw(id, o)
	ctx, cancel := context.WithTimeout(ctx, offerWait)
	defer cancel()
	select {
	case list, open := <-o.granted:
		return answer(list, open)
	case <-ctx.Done():
	}
	d.withdraw(id, o)
	select {
	case list, open := <-o.granted: // granted at the last moment
		return answer(list, open)
	default:
		return nil, nil
	}
}

func answer(list []Lease, open bool) ([]Lease, error) {
	if !open {
		return nil, ErrNoLeader
	}
	return list, nil
}

func (d *Desk) register(id jobs.NodeID, o *offer, metering uint32) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.leading {
		return false
	}
	if old := d.offers[id]; old != nil {
		old.granted <- nil
	}
	d.offers[id] = o
	w := d.hear(id)
	d.crew.stale = d.crew.stale || w.metering != metering
	w.metering = metering
	wake(d.offered)
	return true
}

func (d *Desk) withdraw(id jobs.NodeID, o *offer) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.offers[id] == o {
		delete(d.offers, id)
	}
}

func (d *Desk) openOffers() []placement.Offer {
	d.mu.Lock()
	defer d.mu.Unlock()
	var list []placement.Offer
	for id, o := range d.offers { // in no order: nobody can count on being first
		list = append(list, placement.Offer{Worker: id, Capacity: o.capacity})
	}
	return list
}

// deliver answers the offers. Leases that nobody waits for any more expire.
func (d *Desk) deliver(leases map[jobs.NodeID][]Lease) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for id, list := range leases {
		if o := d.offers[id]; o != nil {
			o.granted <- list
			delete(d.offers, id)
		}
	}
}
