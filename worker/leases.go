package worker

import (
	"context"
	"maps"
	"slices"
	"sync"

	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// leases are what the worker holds, each with the way to stop its attempt.
type leases struct {
	mu   sync.Mutex
	held map[uint64]*held
}

type held struct {
	lease   *anthillv1.Lease
	ctx     context.Context
	cancel  context.CancelFunc
	started bool   // a slot has it
	given   bool   // back, or about to be
	fuel    uint64 // that its attempt has used so far, about
}

func newLeases() *leases { return &leases{held: map[uint64]*held{}} }

// add takes a lease; the context ends when it is void.
func (l *leases) add(ctx context.Context, lease *anthillv1.Lease) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held[lease.GetId()] = &held{lease: lease, ctx: ctx, cancel: cancel}
	return ctx
}

// drop ends a lease: its attempt was reported, or the grid took it back.
func (l *leases) drop(id uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if h, ok := l.held[id]; ok {
		h.cancel()
		delete(l.held, id)
	}
}

// waiting gives the context of a lease whose attempt has not started; one that has ended
// if the lease is void.
func (l *leases) waiting(id uint64) context.Context {
	l.mu.Lock()
	defer l.mu.Unlock()
	if h := l.held[id]; h != nil {
		return h.ctx
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// start is called by the slot that runs the lease's attempt, and gives its
// context; nil if the lease is void or given back.
func (l *leases) start(id uint64) context.Context {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.held[id]
	if h == nil || h.given {
		return nil
	}
	h.started = true
	return h.ctx
}

// giveUp ends the attempts that have not started, and returns their leases, to
// be reported.
func (l *leases) giveUp() []*anthillv1.Lease {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []*anthillv1.Lease
	for _, h := range l.held {
		if !h.started && !h.given {
			h.given = true
			h.cancel()
			list = append(list, h.lease)
		}
	}
	return list
}

// withdraw ends the attempts of those leases of which out says so, whether they have
// started or not, and returns the leases, to be reported.
func (l *leases) withdraw(out func(*anthillv1.Lease) bool) []*anthillv1.Lease {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []*anthillv1.Lease
	for _, h := range l.held {
		if !h.given && out(h.lease) {
			h.given = true
			h.cancel()
			list = append(list, h.lease)
		}
	}
	return list
}

// usedFuel notes how much fuel a lease's attempt has used so far.
func (l *leases) usedFuel(id, fuel uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if h := l.held[id]; h != nil {
		h.fuel = fuel
	}
}

// beat lists the leases, and the fuel that each has used so far.
func (l *leases) beat() (ids, fuel []uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	ids = slices.Sorted(maps.Keys(l.held))
	for _, id := range ids {
		fuel = append(fuel, l.held[id].fuel)
	}
	return ids, fuel
}

func (l *leases) all() []*anthillv1.Lease {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := make([]*anthillv1.Lease, 0, len(l.held))
	for _, h := range l.held {
		list = append(list, h.lease)
	}
	return list
}

func (l *leases) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.held)
}
