package desk

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/jobs"
)

const (
	// maxAddresses bounds the addresses at which one node serves the same blob: a node
	// that names a thousand must not be all that others hear of.
	maxAddresses = 8
	// minComplete is how many of the peers that are named have everything, if
	// there are so many: pieces that nobody else has are to be had there.
	minComplete = 2
)

// crowds are the peers that have announced that they want or have a blob, by blob.
type crowds struct {
	byBlob map[blob.ID]*crowd
	blobs  map[jobs.NodeID]int // how many crowds a node is in
	swept  time.Time
}

// crowd are the peers of a blob, those with all of it apart from the others: so a few of
// each are found without a walk over all.
type crowd struct {
	complete, partial map[member]presence
	addresses         map[jobs.NodeID]int
}

// member is a peer in a crowd: several may share the identity of one node.
type member struct {
	node    jobs.NodeID
	address string
}

// presence is what a peer said of one blob.
type presence struct {
	swarm.Provider
	until time.Time
}

func newCrowds() *crowds {
	return &crowds{byBlob: map[blob.ID]*crowd{}, blobs: map[jobs.NodeID]int{}}
}

// announce notes what a peer says, and names others for each blob.
func (cs *crowds) announce(id jobs.NodeID, self swarm.Provider, list []Announcement, now time.Time) [][]swarm.Provider {
	cs.sweep(now)
	me := member{id, self.Address}
	peers := make([][]swarm.Provider, len(list))
	for k, a := range list {
		peers[k] = cs.others(a.Blob, me, a.Peers, now)
		cs.forget(a.Blob, me)
		if !a.Leaving && self.Address != "" {
			cs.enter(a, me, presence{self, now.Add(announcementLife)})
		}
	}
	return peers
}

func (cs *crowds) enter(a Announcement, me member, p presence) {
	c := cs.byBlob[a.Blob]
	if cs.blobs[me.node] >= MaxAnnounced || c != nil && c.addresses[me.node] >= maxAddresses {
		return
	}
	if c == nil {
		c = &crowd{map[member]presence{}, map[member]presence{}, map[jobs.NodeID]int{}}
		cs.byBlob[a.Blob] = c
	}
	peers := c.partial
	if a.Complete {
		peers = c.complete
	}
	peers[me] = p
	c.addresses[me.node]++
	cs.blobs[me.node]++
}

// others are up to n peers of a crowd in random order, enough complete ones among
// them, and of the rest about as many as there are in the crowd.
func (cs *crowds) others(id blob.ID, not member, n int, now time.Time) []swarm.Provider {
	c := cs.byBlob[id]
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
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
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

func (cs *crowds) forget(id blob.ID, m member) {
	c := cs.byBlob[id]
	if c == nil || !c.has(m) {
		return
	}
	delete(c.complete, m)
	delete(c.partial, m)
	if c.addresses[m.node]--; c.addresses[m.node] == 0 {
		delete(c.addresses, m.node)
	}
	if len(c.addresses) == 0 {
		delete(cs.byBlob, id)
	}
	if cs.blobs[m.node]--; cs.blobs[m.node] == 0 {
		delete(cs.blobs, m.node)
	}
}

func (c *crowd) has(m member) bool {
	_, complete := c.complete[m]
	_, partial := c.partial[m]
	return complete || partial
}

// serving is where a node serves a blob, as it said.
func (cs *crowds) serving(id blob.ID, node jobs.NodeID) (swarm.Provider, bool) {
	if c := cs.byBlob[id]; c != nil && c.addresses[node] > 0 {
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

// sweep forgets peers that have fallen silent.
func (cs *crowds) sweep(now time.Time) {
	if now.Sub(cs.swept) < announcementLife {
		return
	}
	cs.swept = now
	for id, c := range cs.byBlob {
		for _, peers := range []map[member]presence{c.complete, c.partial} {
			for m, p := range peers {
				if now.After(p.until) {
					cs.forget(id, m)
				}
			}
		}
	}
}
