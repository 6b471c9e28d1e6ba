package coordinator

import (
	"context"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/jobs"
)

const (
	// probeEvery is how often a node is probed at most, whoever reports it: a probe
	// costs both sides a piece.
	probeEvery = time.Hour
	// probeTime bounds one, and maxProbes those that wait.
	probeTime = 20 * time.Second
	maxProbes = 64
)

// prober looks for itself whether those who were reported serve wrong bytes: the word
// of one owner may be a lie. It is soft state: a new leader may probe once more.
type prober struct {
	probe  func(ctx context.Context, id blob.ID, p swarm.Provider) error
	queue  chan accused
	probed map[jobs.NodeID]time.Time // guarded by the desk's mutex
}

// accused is a node that is to be probed.
type accused struct {
	swarm.Provider
	blob blob.ID
}

func newProber() *prober {
	return &prober{queue: make(chan accused, maxProbes), probed: map[jobs.NodeID]time.Time{}}
}

// due says whether a node may be probed now, and notes that it is.
func (p *prober) due(id jobs.NodeID, now time.Time) bool {
	for known, at := range p.probed {
		if now.Sub(at) >= probeEvery {
			delete(p.probed, known)
		}
	}
	if _, recently := p.probed[id]; recently {
		return false
	}
	p.probed[id] = now
	return true
}

// Probe implements rpc.Desk. Only who has told where it serves can be probed; a
// queue that is full waits for the next report.
func (d *desk) Probe(node jobs.NodeID, id blob.ID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, ok := d.whereabouts(node, id)
	if !d.leading || !ok || len(d.prober.queue) == maxProbes || !d.prober.due(node, time.Now()) {
		return
	}
	d.prober.queue <- accused{p, id}
}

// whereabouts is where a node serves a blob, as it said itself. It is called with mu
// held.
func (d *desk) whereabouts(node jobs.NodeID, id blob.ID) (swarm.Provider, bool) {
	if w := d.workers[node]; w != nil && w.address != "" {
		return swarm.Provider{Address: w.address, Role: jobs.Worker, Node: node}, true
	}
	p, ok := d.introducer.serving(id, node)
	p.Node = node
	return p, ok
}

// loopProbes probes one after the other. The swarm reports who lies: a coordinator
// has met him.
func (d *desk) loopProbes(ctx context.Context) {
	for {
		select {
		case a := <-d.prober.queue:
			probeCtx, cancel := context.WithTimeout(ctx, probeTime)
			err := d.prober.probe(probeCtx, a.blob, a.Provider)
			cancel()
			d.logger.Info("probed a peer that was reported", "node", a.Node.Short(), "found", err)
		case <-ctx.Done():
			return
		}
	}
}
