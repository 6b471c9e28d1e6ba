package placement

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
)

// grid is a state to plan on.
type grid struct {
	*jobs.State
	now   jobs.Time
	lease jobs.LeaseID
	live  []jobs.NodeID
	draw  *rand.Rand
	near  *Nearness
	lines *Lines
	// shares is what owners of jobs are owed.
	shares *Shares
	// outdated are workers that count fuel by the oldest rules alone.
	outdated map[jobs.NodeID]bool
	// ready is below which place tasks can be run, of jobs that are not all here, and
	// shuns says "NODE JOB" of workers that get nothing of a job.
	ready map[jobs.JobID]jobs.Place
	shuns map[string]bool
	// terms are on what workers are lent, and declines says "NODE JOB" of jobs that a
	// donor has ruled out.
	terms    map[jobs.NodeID]Terms
	declines map[string]bool
}

// newGrid has workers given as "NODE OWNER", all of them live.
func newGrid(workers ...string) *grid {
	g := &grid{State: jobs.NewState(), now: 1000, draw: rand.New(rand.NewPCG(1, 2))}
	g.must(jobs.Command{Found: &jobs.FoundGrid{Grid: "test", Coordinator: "c1", Operator: "op"}})
	for _, w := range workers {
		node, owner, _ := strings.Cut(w, " ")
		g.admit(node, owner)
	}
	return g
}

func (g *grid) admit(node, owner string) { g.admitAt(node, owner, "") }

func (g *grid) admitAt(node, owner, address string) {
	token := jobs.TokenID("token of " + node)
	g.must(jobs.Command{CreateToken: &jobs.CreateToken{Token: token, Role: jobs.Worker, Uses: 1, Expires: g.now + 1, Owner: jobs.OwnerID(owner)}})
	g.must(jobs.Command{Admit: &jobs.AdmitNode{Token: token, Node: jobs.NodeID(node), Role: jobs.Worker, Address: address}})
	g.live = append(g.live, jobs.NodeID(node))
}

func (g *grid) must(c jobs.Command) jobs.Outcome {
	c.At = g.now
	out := g.Apply(c)
	if out.Rejection != nil {
		panic(out.Rejection.Error())
	}
	return out
}

func (g *grid) submit(id string, tasks int64, trust jobs.Trust) *jobs.Job {
	return g.submitBy("op", id, tasks, trust)
}

// submitter lets in a node that submits, and has its owner's name.
func (g *grid) submitter(owner string, weight int64) {
	token := jobs.TokenID("token of " + owner)
	g.must(jobs.Command{CreateToken: &jobs.CreateToken{Token: token, Role: jobs.Submitter, Uses: 1, Expires: g.now + 1, Owner: jobs.OwnerID(owner)}})
	g.must(jobs.Command{Admit: &jobs.AdmitNode{Token: token, Node: jobs.NodeID(owner), Role: jobs.Submitter}})
	g.must(jobs.Command{SetOwner: &jobs.SetOwner{By: "op", Owner: jobs.OwnerID(owner), Set: jobs.Terms{jobs.ItemWeight: weight}}})
}

func (g *grid) submitBy(node jobs.NodeID, id string, tasks int64, trust jobs.Trust) *jobs.Job {
	spec := jobs.Spec{
		Name: id, Bundle: blob.Ref{ID: blob.ID{1}, Size: 1}, Trust: trust,
		Input: jobs.Input{Range: &jobs.Range{To: tasks, Step: 1}},
	}
	g.must(jobs.Command{Submit: &jobs.SubmitJob{Job: jobs.JobID(id), Spec: spec.WithDefaults(), Submitter: node}})
	return g.Jobs[jobs.JobID(id)]
}

// plan is for offers "NODE CAPACITY".
func (g *grid) plan(offers ...string) []jobs.Grant {
	r := Request{State: g.State, Live: g.live, Outdated: g.outdated, NewLease: func() jobs.LeaseID { g.lease++; return g.lease }, Draw: g.draw.IntN, Near: g.near, Lines: g.lines, Shares: g.shares}
	r.Ready = func(_ *jobs.State, id jobs.JobID) jobs.Place {
		if ready, partly := g.ready[id]; partly {
			return ready
		}
		return math.MaxUint32
	}
	r.Shuns = func(w jobs.NodeID, id jobs.JobID) bool { return g.shuns[string(w)+" "+string(id)] }
	r.Terms, r.Declines = g.terms, func(w jobs.NodeID, id jobs.JobID) bool { return g.declines[string(w)+" "+string(id)] }
	for _, o := range offers {
		var offer Offer
		fmt.Sscan(o, &offer.Worker, &offer.Capacity)
		r.Offers = append(r.Offers, offer)
	}
	return Plan(r)
}

// carryOut applies a plan, all of which must hold.
func (g *grid) carryOut(t *testing.T, plan []jobs.Grant) {
	t.Helper()
	out := g.must(jobs.Command{Grant: &jobs.GrantLeases{Grants: plan, Expires: g.now + 6000}})
	if len(out.Granted) != len(plan) {
		t.Fatalf("%d of %d planned grants hold: %v", len(out.Granted), len(plan), plan)
	}
}

// end reports how an attempt ended: an output, "killed" or "lost".
func (g *grid) end(grant jobs.Grant, how string) {
	r := jobs.Report{Lease: grant.Lease, Worker: grant.Worker, Status: jobs.Succeeded, Reason: how}
	switch how {
	case "killed":
		r.Status = jobs.Killed
	case "lost":
		r.Status = jobs.Lost
	default:
		copy(r.Output.ID[:], how)
	}
	g.must(jobs.Command{Report: &jobs.ReportAttempts{Reports: []jobs.Report{r}}})
}

// run plans for one worker, and reports how each attempt ended.
func (g *grid) run(t *testing.T, offer, how string) []jobs.Grant {
	t.Helper()
	plan := g.plan(offer)
	g.carryOut(t, plan)
	for _, grant := range plan {
		g.end(grant, how)
	}
	return plan
}

// summary is "JOB/PLACE:WORKER", with "!" for repeats.
func summary(plan []jobs.Grant) string {
	var list []string
	for _, p := range plan {
		s := fmt.Sprintf("%s/%d:%s", p.Job, p.Place, p.Worker)
		if p.Repeat {
			s += "!"
		}
		list = append(list, s)
	}
	return strings.Join(list, " ")
}

func wantPlan(t *testing.T, plan []jobs.Grant, want string) {
	t.Helper()
	if got := summary(plan); got != want {
		t.Errorf("plan %q, want %q", got, want)
	}
}
