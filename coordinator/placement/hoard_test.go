package placement

import (
	"fmt"
	"testing"

	"github.com/anthill-grid/anthill/jobs"
)

// hoarding is a job with honest workers who need ten seconds for a task, and some who
// take tasks, keep their leases alive and never report.
type hoarding struct {
	trust            jobs.Trust
	tasks            int64
	honest, hoarders int
	capacity         int // of the hoarders' offers
}

// TestNobodyHoldsUpAJob by taking tasks and keeping them.
func TestNobodyHoldsUpAJob(t *testing.T) {
	for _, h := range []hoarding{
		{jobs.Trust{MaxError: jobs.One / 1000}, 500, 20, 1, 1},   // some second opinions
		{jobs.Trust{MaxError: jobs.One / 1000}, 1000, 4, 1, 128}, // all that may be open
		{jobs.Trust{MaxError: jobs.One / 1000}, 100, 20, 1, 128}, // all there is, at once
		{jobs.Trust{MaxError: jobs.One / 1000}, 200, 20, 3, 8},   // backups, too
		{jobs.Trust{MaxError: jobs.One / 10_000}, 50, 1, 1, 10},  // till nobody else is left
		{jobs.Trust{MaxError: jobs.One / 10_000}, 50, 6, 1, 10},
		{jobs.Trust{Replicas: 1}, 1000, 4, 1, 128},
		{jobs.Trust{Quorum: 2}, 500, 20, 1, 1},
		{jobs.Trust{Quorum: 2}, 1000, 4, 1, 128},
		{jobs.Trust{Quorum: 2}, 100, 8, 4, 100}, // as many as may try a task
	} {
		t.Run(fmt.Sprintf("%+v", h), func(t *testing.T) { h.run(t) })
	}
}

func (h hoarding) run(t *testing.T) {
	g := newGrid()
	for i := range h.honest {
		g.admit(fmt.Sprint("w", i), fmt.Sprint("o", i))
	}
	for i := range h.hoarders {
		g.admit(fmt.Sprint("h", i), fmt.Sprint("e", i))
	}
	j := g.submit("j", h.tasks, h.trust)
	var busy []jobs.Grant
	for range 3000 {
		g.now += 10_000
		g.must(jobs.Command{Renew: &jobs.RenewLeases{All: true, Expires: g.now + 16_000}})
		for _, grant := range busy {
			g.end(grant, fmt.Sprint("output ", grant.Place))
		}
		busy = nil
		for i := range h.hoarders {
			g.carryOut(t, g.plan(fmt.Sprintf("h%d %d", i, h.capacity)))
		}
		for i := range h.honest {
			plan := g.plan(fmt.Sprintf("w%d 4", i))
			g.carryOut(t, plan)
			busy = append(busy, plan...)
		}
		g.confirm(j)
		if g.AllAsked(j, g.live) {
			g.must(jobs.Command{Concede: &jobs.ConcedeJob{Job: "j"}})
		}
		if j.State == jobs.JobSucceeded {
			if short := h.honest == 1; short != (j.Short != "") {
				t.Errorf("%d honest owners brought it to %v: %q", h.honest, j.Bound, j.Short)
			}
			for i := range h.hoarders {
				if n := g.Holding(jobs.NodeID(fmt.Sprint("h", i))); n > 0 {
					t.Errorf("the job is over, and a hoarder holds %d of its leases", n)
				}
			}
			return
		}
	}
	t.Fatalf("of %d tasks %d are accepted and %d open, %d running, at a risk of %v: %v", j.Total(), j.Accepted(), len(j.Open), j.Running(), g.Risk(j), g.standing(j, g.live))
}

// confirm says that all results are held.
func (g *grid) confirm(j *jobs.Job) {
	held := jobs.HeldResults{Job: "j"}
	for seq := range j.Order {
		if j.Current(jobs.Sequence(seq)) {
			held.Sequences = append(held.Sequences, jobs.Sequence(seq))
		}
	}
	g.must(jobs.Command{Confirm: &jobs.ConfirmHeld{Coordinator: "c1", Results: []jobs.HeldResults{held}}})
}

// TestOneWorkerDoesNotGetEverything however often it asks.
func TestOneWorkerDoesNotGetEverything(t *testing.T) {
	g := newGrid()
	for i := range 100 {
		g.admit(fmt.Sprint("w", i), fmt.Sprint("o", i))
	}
	g.submit("j", 1_000_000, jobs.Trust{Replicas: 1})
	for range 20 {
		g.carryOut(t, g.plan("w0 128"))
	}
	if n := g.Holding("w0"); n != MaxHeld {
		t.Errorf("it holds %d leases, want %d", n, MaxHeld)
	}
}
