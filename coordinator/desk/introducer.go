package desk

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/anthill-grid/anthill/coordinator/rpc"
	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/jobs"
)

const (
	// presenceLife is for how long an announcement counts: a peer may miss two.
	presenceLife = 3 * rpc.AnnounceEvery
	// maxAnnounced bounds the blobs of one node, and maxAddresses the addresses at
	// which it serves the same blob: who names a thousand must not be all that others
	// hear of.
	maxAnnounced = 1024
	maxAddresses = 8
	// minComplete is how many of the peers that are named have everything, if
	// there are so many: pieces that nobody else has are to be had there.
	minComplete = 2
)

// introducer tells peers of each other that want or have the same blob. It is
// soft state: a new leader learns it from the next announcements.
type introducer struct {
	swarms map[blob.ID]*crowd
	blobs  map[jobs.NodeID]int // how many swarms a node is in
	swept  time.Time
}

// crowd are the peers of a swarm, those with all of the blob apart from the others: so
// a few of each are found without a walk over all.
type crowd struct {
	complete, partial map[member]presence
	addresses         map[jobs.NodeID]int
}

// member is a peer of a swarm: several may share the identity of one node.
type member struct {
	node    jobs.NodeID
	address string
}

// presence is what a peer said of one blob.
type presence struct {
	swarm.Provider
	until time.Time
}

func newIntroducer() *introducer {
	return &introducer{swarms: map[blob.ID]*crowd{}, blobs: map[jobs.NodeID]int{}}
}

// announce notes what a peer says, and names others for each blob.
func (t *introducer) announce(id jobs.NodeID, self swarm.Provider, list []rpc.Announcement, now time.Time) [][]swarm.Provider {
	t.sweep(now)
	me := member{id, self.Address}
	peers := make([][]swarm.Provider, len(list))
	for k, a := range list {
		peers[k] = t.others(a.Blob, me, a.Peers, now)
		t.forget(a.Blob, me)
		if !a.Leaving && self.Address != "" {
			t.enter(a, me, presence{self, now.Add(presenceLife)})
		}
	}
	return peers
}

func (t *introducer) enter(a rpc.Announcement, me member, p presence) {
	c := t.swarms[a.Blob]
	if t.blobs[me.node] >= maxAnnounced || c != nil && c.addresses[me.node] >= maxAddresses {
		return
	}
	if c == nil {
		c = &crowd{map[member]presence{}, map[member]presence{}, map[jobs.NodeID]int{}}
		t.swarms[a.Blob] = c
	}
	peers := c.partial
	if a.Complete {
		peers = c.complete
	}
	peers[me] = p
	c.addresses[me.node]++
	t.blobs[me.node]++
}

// others are up to n peers of a swarm in random order, enough complete ones among
// them, and of the rest about as many as there are in the swarm.
func (t *introducer) others(id blob.ID, not member, n int, now time.Time) []swarm.Provider {
	c := t.swarms[id]
	if c == nil {
		return nil
	}
	complete, partial := some(c.complete, not, n, now), some(c.partial, not, n, now)
	first := min(minComplete, len(complete), n)
	list := slices.Clone(complete[:first])
	complete = complete[first:]
	for len(list) < n && len(complete)+len(partial) > 0 {
		from := &partial
		if len(partial) == 0 || len(complete) > 0 && rand.IntN(len(c.complete)+len(c.partial)) < len(c.complete) {
			from = &complete
		}
		list, *from = append(list, (*from)[0]), (*from)[1:]
	}
	shuffle(list)
	return list
}

func shuffle(list []swarm.Provider) {
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
}

// some are up to n of these peers: maps are walked from a random place.
func some(peers map[member]presence, not member, n int, now time.Time) (list []swarm.Provider) {
	for m, p := range peers {
		if len(list) >= n {
			break
		}
		if m != not && !now.After(p.until) {
			list = append(list, p.Provider)
		}
	}
	return list
}

func (t *introducer) forget(id blob.ID, m member) {
	c := t.swarms[id]
	if c == nil || !c.has(m) {
		return
	}
	delete(c.complete, m)
	delete(c.partial, m)
	if c.addresses[m.node]--; c.addresses[m.node] == 0 {
		delete(c.addresses, m.node)
	}
	if len(c.addresses) == 0 {
		delete(t.swarms, id)
	}
	if t.blobs[m.node]--; t.blobs[m.node] == 0 {
		delete(t.blobs, m.node)
	}
}

func (c *crowd) has(m member) bool {
	_, complete := c.complete[m]
	_, partial := c.partial[m]
	return complete || partial
}

// serving is where a node serves a blob, as it said.
func (t *introducer) serving(id blob.ID, node jobs.NodeID) (swarm.Provider, bool) {
	if c := t.swarms[id]; c != nil && c.addresses[node] > 0 {
		for _, peers := range []map[member]presence{c.complete, c.partial} {
			for m, p := range peers {
				if m.node == node {
					return p.Provider, true
				}
			}
		}
	}
	return swarm.Provider{}, false
}

// sweep forgets those who have fallen silent.
func (t *introducer) sweep(now time.Time) {
	if now.Sub(t.swept) < presenceLife {
		return
	}
	t.swept = now
	for id, c := range t.swarms {
		for _, peers := range []map[member]presence{c.complete, c.partial} {
			for m, p := range peers {
				if now.After(p.until) {
					t.forget(id, m)
				}
			}
		}
	}
}

// Introduce implements rpc.Desk.
func (d *Desk) Introduce(id jobs.NodeID, self swarm.Provider, list []rpc.Announcement) ([][]swarm.Provider, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.leading {
		return nil, rpc.ErrNoLeader
	}
	peers := d.introducer.announce(id, self, list, time.Now())
	for i, a := range list {
		if room := a.Peers - len(peers[i]); room > 0 {
			peers[i] = append(peers[i], d.workersHaving([]blob.Ref{{ID: a.Blob}}, id, room)...)
		}
	}
	return peers, nil
}

// workersHaving are up to n workers whose heartbeats say that they have pieces of
// any of these blobs. It is called with mu held.
func (d *Desk) workersHaving(refs []blob.Ref, not jobs.NodeID, n int) []swarm.Provider {
	var list []swarm.Provider
	fits := func(id jobs.NodeID) bool {
		w := d.workers[id]
		return w != nil && w.address != "" && id != not
	}
	for _, id := range d.tracker.having(refs, n, fits) {
		list = append(list, swarm.Provider{Address: d.workers[id].address, Role: jobs.Worker})
	}
	return list
}

// FindFor is Introduce for the leader itself, who fetches a blob.
func (d *Desk) FindFor(id jobs.NodeID, address string, b blob.ID) ([]swarm.Provider, time.Duration, error) {
	self := swarm.Provider{Address: address, Role: jobs.Coordinator}
	peers, err := d.Introduce(id, self, []rpc.Announcement{{Blob: b, Peers: maxProviders}})
	if err != nil {
		return nil, 0, err
	}
	return peers[0], rpc.AnnounceEvery, nil
}
