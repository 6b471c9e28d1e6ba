package worker

import (
	"context"
	"slices"
	"sync"

	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// leases are what the worker holds, each with the way to stop its attempt.
type leases struct {
	mu   sync.Mutex
	held map[uint64]held
}

type held struct {
	lease  *anthillv1.Lease
	ctx    context.Context
	cancel context.CancelFunc
}

func newLeases() *leases { return &leases{held: map[uint64]held{}} }

// add takes a lease; the context ends when it is void.
func (l *leases) add(ctx context.Context, lease *anthillv1.Lease) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held[lease.GetId()] = held{lease, ctx, cancel}
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

// context is that of a lease; nil if it is void.
func (l *leases) context(id uint64) context.Context {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held[id].ctx
}

func (l *leases) ids() []uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	ids := make([]uint64, 0, len(l.held))
	for id := range l.held {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
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
