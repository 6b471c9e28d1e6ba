package desk

import (
	"context"
	"maps"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/jobs"
)

const (
	// probeEvery is how often a node is probed at most because of one owner's reports: a
	// probe costs both sides a piece. Each owner has one of its own: otherwise a liar's
	// friend could report it for what it does not even have, and make it safe for an hour.
	probeEvery = time.Hour
	// probeTime bounds one, and maxProbes those that wait.
	probeTime = 20 * time.Second
	maxProbes = 64
)

// prober finds out itself whether the nodes that were reported serve wrong bytes: the
// word of one owner may be a lie. It is soft state: a new leader may probe once more.
type prober struct {
	probe func(context.Context, blob.ID, swarm.Provider) error
	queue chan accused
	// Guarded by the desk's mutex, and swept now and then.
	probed map[reported]time.Time
	swept  time.Time
}

// reported is a node, and the owner that reported it.
type reported struct {
	node jobs.NodeID
	by   jobs.OwnerID
}

// accused is a node that is to be probed.
type accused struct {
	swarm.Provider
	blob blob.ID
}

func newProber(probe func(context.Context, blob.ID, swarm.Provider) error) *prober {
	return &prober{probe: probe, queue: make(chan accused, maxProbes), probed: map[reported]time.Time{}}
}

// due says whether a node may be probed now, and notes that it is.
func (p *prober) due(r reported, now time.Time) bool {
	over := func(_ reported, at time.Time) bool { return now.Sub(at) >= probeEvery }
	if now.Sub(p.swept) >= probeEvery {
		maps.DeleteFunc(p.probed, over)
		p.swept = now
	}
	if at, known := p.probed[r]; known && !over(r, at) {
		return false
	}
	p.probed[r] = now
	return true
}

// Probe has a node that an owner has reported looked at some time soon: whether it serves
// wrong bytes of a blob. Only a node that has told where it serves can be probed, and
// where the queue is full the next report brings it back.
func (d *Desk) Probe(by jobs.OwnerID, node jobs.NodeID, id blob.ID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, ok := d.whereabouts(node, id)
	if !d.leading || !ok || len(d.prober.queue) == maxProbes || !d.prober.due(reported{node, by}, time.Now()) {
		return
	}
	d.prober.queue <- accused{p, id}
}

// loopProbes probes one node after the other. The swarm reports one that lies, as it does
// whatever a coordinator has met.
func (d *Desk) loopProbes(ctx context.Context) {
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
