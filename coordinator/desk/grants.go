package desk

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	mathrand "math/rand/v2"
	"slices"
	"time"

	"github.com/anthill-grid/anthill/coordinator/placement"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/jobs"
)

const (
	// linesEvery is how often the desk looks how fast workers hand out their results.
	linesEvery = 100 * time.Millisecond
	// concedeEvery is how often the desk looks for jobs that nobody can bring further.
	concedeEvery = 250 * time.Millisecond
	// concedeAfter is how long a job must have had nobody left to ask before it ends
	// short of the certainty that was asked for: workers come back.
	concedeAfter = 10 * time.Second
)

// granter gives leases to the workers that offer, and ends jobs for which there are no
// more of them. It belongs to one goroutine.
type granter struct {
	desk   *Desk
	near   *placement.Nearness
	lines  *placement.Lines
	shares *placement.Shares
	rates  jobs.Rates
	lined  time.Time // when lines looked at the state
	looked time.Time // when it last looked for jobs that are stuck
	stuck  map[jobs.JobID]time.Time
}

func newGranter(d *Desk) *granter {
	return &granter{desk: d, near: placement.NewNearness(), lines: placement.NewLines(), shares: placement.NewShares(), rates: jobs.Rates{}, lined: time.Now()}
}

// look says whether there was anything to grant.
func (g *granter) look(ctx context.Context) bool {
	d := g.desk
	g.lookAtLines()
	if !d.wanted() {
		return false
	}
	crew := d.muster()
	request := placement.Request{
		Now: d.replica.Now(), Offers: d.openOffers(), Live: crew.live, Outdated: crew.outdated, Early: d.early(),
		NewLease: newLease, Draw: mathrand.IntN, Near: g.near, Lines: g.lines, Shares: g.shares, Rates: g.rates, Ready: d.ready, Terms: crew.terms,
	}
	shunning := d.shunning()
	request.Shuns = func(w jobs.NodeID, id jobs.JobID) bool { return shunning[reading{w, id}] }
	request.Declines = d.Declines
	if request.Early {
		g.stuck = nil
	} else {
		g.concede(ctx, request)
	}
	granted := g.grant(ctx, request)
	if len(granted) > 0 {
		d.deliver(g.describe(granted))
	}
	return len(granted) > 0
}

// wanted says whether anybody offers, and any job runs.
func (d *Desk) wanted() bool {
	d.mu.Lock()
	offers := len(d.offers)
	d.mu.Unlock()
	running := 0
	d.replica.View(func(s *jobs.State) { running = len(s.Running()) })
	return offers > 0 && running > 0
}

// lookAtLines measures how fast workers hand out their results, once in a while: of those
// that cannot send what they have the next plan knows.
func (g *granter) lookAtLines() {
	elapsed := time.Since(g.lined)
	if elapsed < linesEvery {
		return
	}
	g.lined = time.Now()
	g.desk.replica.View(func(s *jobs.State) { g.lines.Look(s, elapsed) })
}

// grant plans leases, and has them granted.
func (g *granter) grant(ctx context.Context, request placement.Request) []jobs.Grant {
	d := g.desk
	var grants []jobs.Grant
	d.replica.View(func(s *jobs.State) {
		request.State = s
		grants = placement.Plan(request)
	})
	if len(grants) == 0 {
		return nil
	}
	c := jobs.GrantLeases{Grants: grants, Expires: d.replica.Now().Add(jobs.LeaseDuration)}
	out, err := d.Propose(ctx, jobs.Command{Grant: &c})
	if err != nil {
		d.logger.Warn("failed to grant leases", "error", err)
		return nil
	}
	return only(grants, out.Granted)
}

// only are the grants with these leases.
func only(grants []jobs.Grant, leases []jobs.LeaseID) []jobs.Grant {
	held := map[jobs.LeaseID]bool{}
	for _, id := range leases {
		held[id] = true
	}
	return slices.DeleteFunc(grants, func(g jobs.Grant) bool { return !held[g.Lease] })
}

// describe are the leases for their workers. It notes what the workers are going to
// read.
func (g *granter) describe(granted []jobs.Grant) map[jobs.NodeID][]Lease {
	leases := map[jobs.NodeID][]Lease{}
	providers := map[reading][]swarm.Provider{}
	g.desk.replica.View(func(s *jobs.State) {
		for _, x := range granted {
			j := s.Jobs[x.Job]
			if j == nil {
				continue
			}
			g.near.Note(x.Worker, j, x.Place)
			r := reading{x.Worker, x.Job}
			if _, known := providers[r]; !known {
				providers[r] = g.desk.providers(j, x.Worker)
			}
			leases[x.Worker] = append(leases[x.Worker], Lease{
				ID: x.Lease, Job: x.Job, Task: j.TaskAt(x.Place), Owner: j.Owner, Spec: j.Spec, Providers: providers[r],
			})
		}
	})
	return leases
}

// reading is a worker that is to read a job's blobs.
type reading struct {
	worker jobs.NodeID
	job    jobs.JobID
}

// concede ends jobs that the live workers can bring no further.
func (g *granter) concede(ctx context.Context, request placement.Request) {
	if time.Since(g.looked) < concedeEvery {
		return
	}
	g.looked = time.Now()
	stuck := map[jobs.JobID]time.Time{}
	forlorn := map[jobs.JobID][]jobs.Place{}
	g.desk.replica.View(func(s *jobs.State) {
		for _, id := range s.Running() {
			j := s.Jobs[id]
			able := request.Able(id, j)
			if places := s.Forlorn(j, able); len(places) > 0 {
				stuck[id], forlorn[id] = time.Now(), places
			} else if s.AllAsked(j, able) && (g.desk.ready == nil || g.desk.ready(s, id) >= j.Next) {
				stuck[id] = time.Now()
			}
		}
	})
	for id := range stuck {
		if since, before := g.stuck[id]; before {
			stuck[id] = since
		}
	}
	g.stuck = stuck
	for id, since := range stuck {
		if time.Since(since) > concedeAfter {
			g.desk.tryTo(ctx, "concede job", jobs.Command{Concede: &jobs.ConcedeJob{Job: id, Tasks: forlorn[id]}})
		}
	}
}

func newLease() jobs.LeaseID {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return jobs.LeaseID(binary.LittleEndian.Uint64(b[:]))
}
