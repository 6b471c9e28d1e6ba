package coordinator

import (
	"math/rand/v2"
	"time"

	"github.com/anthill-grid/anthill/coordinator/rpc"
	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/jobs"
)

const (
	// presenceLife is for how long an announcement counts: a peer may miss two.
	presenceLife = 3 * rpc.AnnounceEvery
	// maxAnnounced bounds the blobs of one node.
	maxAnnounced = 1024
	// minComplete is how many of the peers that are named have everything, if
	// there are so many: pieces that nobody else has are to be had there.
	minComplete = 2
)

// introducer tells peers of each other that want or have the same blob. It is
// soft state: a new leader learns it from the next announcements.
type introducer struct {
	swarms map[blob.ID]map[member]presence
	blobs  map[jobs.NodeID]int // how many swarms a node is in
	swept  time.Time
}

// member is a peer of a swarm: several may share the identity of one node.
type member struct {
	node    jobs.NodeID
	address string
}

// presence is what a peer said of one blob.
type presence struct {
	swarm.Provider
	complete bool
	until    time.Time
}

func newIntroducer() *introducer {
	return &introducer{swarms: map[blob.ID]map[member]presence{}, blobs: map[jobs.NodeID]int{}}
}

// announce notes what a peer says, and names others for each blob.
func (t *introducer) announce(id jobs.NodeID, self swarm.Provider, list []rpc.Announcement, now time.Time) [][]swarm.Provider {
	t.sweep(now)
	me := member{id, self.Address}
	peers := make([][]swarm.Provider, len(list))
	for k, a := range list {
		peers[k] = t.others(a.Blob, me, a.Peers, now)
		t.forget(a.Blob, me)
		if !a.Leaving && self.Address != "" && t.blobs[id] < maxAnnounced {
			if t.swarms[a.Blob] == nil {
				t.swarms[a.Blob] = map[member]presence{}
			}
			t.swarms[a.Blob][me] = presence{self, a.Complete, now.Add(presenceLife)}
			t.blobs[id]++
		}
	}
	return peers
}

// others are up to n peers of a swarm in random order, enough complete ones
// among them.
func (t *introducer) others(id blob.ID, not member, n int, now time.Time) []swarm.Provider {
	var complete, partial []swarm.Provider
	for m, p := range t.swarms[id] {
		switch {
		case m == not || now.After(p.until):
		case p.complete:
			complete = append(complete, p.Provider)
		default:
			partial = append(partial, p.Provider)
		}
	}
	shuffle(complete)
	first := min(minComplete, len(complete), n)
	rest := append(complete[first:len(complete):len(complete)], partial...)
	shuffle(rest)
	list := append(complete[:first:first], rest[:min(n-first, len(rest))]...)
	shuffle(list)
	return list
}

func shuffle(list []swarm.Provider) {
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
}

func (t *introducer) forget(id blob.ID, m member) {
	peers := t.swarms[id]
	if _, there := peers[m]; !there {
		return
	}
	delete(peers, m)
	if len(peers) == 0 {
		delete(t.swarms, id)
	}
	if t.blobs[m.node]--; t.blobs[m.node] == 0 {
		delete(t.blobs, m.node)
	}
}

// sweep forgets those who have fallen silent.
func (t *introducer) sweep(now time.Time) {
	if now.Sub(t.swept) < presenceLife {
		return
	}
	t.swept = now
	for id, peers := range t.swarms {
		for m, p := range peers {
			if now.After(p.until) {
				t.forget(id, m)
			}
		}
	}
}

// Introduce implements rpc.Desk.
func (d *desk) Introduce(id jobs.NodeID, self swarm.Provider, list []rpc.Announcement) ([][]swarm.Provider, error) {
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
func (d *desk) workersHaving(refs []blob.Ref, not jobs.NodeID, n int) []swarm.Provider {
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

// findFor is Introduce for the leader itself, who fetches a blob.
func (d *desk) findFor(id jobs.NodeID, address string, b blob.ID) ([]swarm.Provider, time.Duration, error) {
	self := swarm.Provider{Address: address, Role: jobs.Coordinator}
	peers, err := d.Introduce(id, self, []rpc.Announcement{{Blob: b, Peers: maxProviders}})
	if err != nil {
		return nil, 0, err
	}
	return peers[0], rpc.AnnounceEvery, nil
}
