package simgrid

import (
	"fmt"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
)

const (
	coordinator jobs.NodeID = "coordinator"
	operator    jobs.NodeID = "operator"

	founded jobs.Time = 1_000_000
)

// grid is the state of a grid with one coordinator and one job at a time.
type grid struct {
	*jobs.State
	now       jobs.Time
	id        jobs.JobID
	job       *jobs.Job
	confirmed int // of job.Order
}

func newGrid(cfg Config, seed uint64) (*grid, error) {
	g := &grid{State: jobs.NewState(), now: founded}
	err := g.apply(jobs.Command{Found: &jobs.FoundGrid{
		Grid: "simulated", Coordinator: coordinator, Operator: operator, Saboteurs: prob(cfg.Saboteurs),
	}})
	if err != nil {
		return nil, err
	}
	return g, g.apply(jobs.Command{Raise: &jobs.RaiseVersion{Version: jobs.LastVersion}})
}

// submit begins the job of this number.
func (g *grid) submit(cfg Config, seed uint64, number int) error {
	g.id, g.confirmed = jobs.JobID(fmt.Sprintf("job%d", number)), 0
	spec := jobs.Spec{
		Name: "job", Bundle: blob.Ref{ID: blob.ID{1}, Size: 1}, Trust: cfg.trust(),
		Input: jobs.Input{Range: &jobs.Range{To: int64(cfg.Tasks), Step: 1}},
	}
	submit := &jobs.SubmitJob{Job: g.id, Spec: spec.WithDefaults(), Submitter: operator, Seed: mix(seed+uint64(number)) | 1}
	if err := g.apply(jobs.Command{Submit: submit}); err != nil {
		return err
	}
	g.job = g.Jobs[g.id]
	return nil
}

// apply is for commands that nothing should refuse.
func (g *grid) apply(c jobs.Command) error {
	c.At = g.now
	if out := g.Apply(c); out.Rejection != nil {
		return out.Rejection
	}
	return nil
}

// membership is what a worker is called in the grid, and what it works at.
type membership struct {
	node    jobs.NodeID
	owner   jobs.OwnerID
	banned  bool
	attempt attempt
}

// attempt is a worker's only one; without a lease there is none.
type attempt struct {
	lease   jobs.LeaseID
	task    jobs.Index
	ends    jobs.Time
	crashes bool
}

// admit lets a worker in with a token, and so an owner and a network, of its own.
func (g *grid) admit(w *worker, checks int) error {
	w.node, w.owner = jobs.NodeID(fmt.Sprintf("w%03d", w.number)), jobs.OwnerID(fmt.Sprintf("o%03d", w.number))
	token := jobs.TokenID("token of " + w.owner)
	create := &jobs.CreateToken{Token: token, Role: jobs.Worker, Uses: 1, Expires: g.now + 1, Owner: w.owner}
	if err := g.apply(jobs.Command{CreateToken: create}); err != nil {
		return err
	}
	address := fmt.Sprintf("10.%d.%d.1:1", w.number>>8&255, w.number&255)
	if err := g.apply(jobs.Command{Admit: &jobs.AdmitNode{Token: token, Node: w.node, Role: jobs.Worker, Address: address}}); err != nil {
		return err
	}
	g.Owners[w.owner].Checks = uint64(checks) // as if it had been here for long
	return nil
}

// confirm says that the coordinator holds what was accepted since.
func (g *grid) confirm() error {
	held := jobs.HeldResults{Job: g.id}
	for ; g.confirmed < len(g.job.Order); g.confirmed++ {
		held.Sequences = append(held.Sequences, jobs.Sequence(g.confirmed))
	}
	if len(held.Sequences) == 0 {
		return nil
	}
	return g.apply(jobs.Command{Confirm: &jobs.ConfirmHeld{Coordinator: coordinator, Results: []jobs.HeldResults{held}}})
}

// wrong counts the tasks whose result is not the right one.
func (g *grid) wrong() int {
	n := 0
	for place := range g.job.Next {
		if g.job.Closed[place].Output != result(g.job.TaskAt(place), right) {
			n++
		}
	}
	return n
}
