package desk

import (
	"math/rand/v2"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/jobs"
)

const (
	// AnnounceEvery is how often peers are to announce what they have, see
	// AnnounceAgain.
	AnnounceEvery = 10 * time.Second
	// announcementLife is how long an announcement counts: a peer may miss two.
	announcementLife = 3 * AnnounceEvery
	// MaxAnnounced bounds the blobs that one node has announced, and those of one call.
	MaxAnnounced = 1024
	// maxProviders bounds the providers that come with a lease, and the peers that the
	// leader itself asks for.
	maxProviders = 8
)

// AnnounceAgain is when a peer is to announce what it has the next time: every
// AnnounceEvery, give or take a fifth.
func AnnounceAgain() time.Duration { return AnnounceEvery*4/5 + rand.N(AnnounceEvery*2/5) }

// Announcement says that a peer has pieces of a blob, or wants them.
type Announcement struct {
	Blob     blob.ID
	Complete bool
	Leaving  bool
	Peers    int // how many others it would like to hear of
	// Public: the peer has no right to the blob, or shares it with everybody. It is told
	// of none but such peers, and named to none but them.
	Public bool
}

// tracker tells peers of each other that want or have the same blob: by what they have
// announced, and by what the heartbeats of workers say. It is soft state: a new leader
// learns it from the next announcements and heartbeats.
type tracker struct {
	crowds *crowds
	public *crowds // of blobs that are shared with everybody, or so they say
	stock  *stock
}

func newTracker() *tracker { return &tracker{newCrowds(), newCrowds(), newStock()} }

// Introduce notes what a peer has and wants, and names others for each blob.
func (d *Desk) Introduce(id jobs.NodeID, self swarm.Provider, list []Announcement) ([][]swarm.Provider, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.leading {
		return nil, ErrNoLeader
	}
	peers, now := make([][]swarm.Provider, len(list)), time.Now()
	for i, a := range list {
		crowds := d.tracker.crowds
		if a.Public {
			crowds = d.tracker.public
		}
		peers[i] = crowds.announce(id, self, list[i:i+1], now)[0]
		if lacking := a.Peers - len(peers[i]); lacking > 0 && !a.Public && self.Role > jobs.Worker {
			peers[i] = append(peers[i], d.tracker.public.others(a.Blob, member{id, self.Address}, lacking, now)...)
		}
		if lacking := a.Peers - len(peers[i]); lacking > 0 && !a.Public {
			peers[i] = append(peers[i], d.workersHaving([]blob.Ref{{ID: a.Blob}}, id, lacking)...)
		}
	}
	return peers, nil
}

// FindFor is Introduce for the leader itself, which fetches a blob.
func (d *Desk) FindFor(id jobs.NodeID, address string, b blob.ID) ([]swarm.Provider, time.Duration, error) {
	self := swarm.Provider{Address: address, Role: jobs.Coordinator, Node: id}
	peers, err := d.Introduce(id, self, []Announcement{{Blob: b, Peers: maxProviders}})
	if err != nil {
		return nil, 0, err
	}
	return peers[0], AnnounceEvery, nil
}

// providers are peers that may have a job's blobs: up to five workers that have pieces, two
// coordinators and the submitter.
func (d *Desk) providers(j *jobs.Job, asking jobs.NodeID) []swarm.Provider {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := d.workersHaving(j.Spec.Blobs(), asking, maxProviders-3)
	voters := d.replica.Servers()
	rand.Shuffle(len(voters), func(i, j int) { voters[i], voters[j] = voters[j], voters[i] })
	for _, v := range voters[:min(2, len(voters))] {
		list = append(list, swarm.Provider{Address: v.Address, Role: jobs.Coordinator, Node: v.Node})
	}
	if j.Provider != "" {
		list = append(list, swarm.Provider{Address: j.Provider, Role: jobs.Submitter, Node: j.Submitter})
	}
	return list
}

// workersHaving are up to n workers whose heartbeats say that they have pieces of
// any of these blobs. It is called with mu held.
func (d *Desk) workersHaving(refs []blob.Ref, not jobs.NodeID, n int) []swarm.Provider {
	var list []swarm.Provider
	fits := func(id jobs.NodeID) bool {
		w := d.workers[id]
		return w != nil && w.address != "" && id != not
	}
	for _, id := range d.tracker.stock.having(refs, n, fits) {
		list = append(list, swarm.Provider{Address: d.workers[id].address, Role: jobs.Worker, Node: id})
	}
	return list
}

// whereabouts is where a node serves a blob, as it said itself. It is called with mu
// held.
func (d *Desk) whereabouts(node jobs.NodeID, id blob.ID) (swarm.Provider, bool) {
	if w := d.workers[node]; w != nil && w.address != "" {
		return swarm.Provider{Address: w.address, Role: jobs.Worker, Node: node}, true
	}
	p, ok := d.tracker.crowds.serving(id, node)
	if !ok {
		p, ok = d.tracker.public.serving(id, node)
	}
	p.Node = node
	return p, ok
}
