package placement

import (
	"testing"

	"github.com/anthill-grid/anthill/internal/waits"
	"github.com/anthill-grid/anthill/jobs"
)

// newer submits a job that counts fuel by the newest rules.
func (g *grid) newer(id string, tasks int64, trust jobs.Trust) *jobs.Job {
	g.must(jobs.Command{Raise: &jobs.RaiseVersion{Version: jobs.LastVersion}})
	j := g.submit(id, tasks, trust)
	j.Spec.Metering = jobs.Metering
	return j
}

// TestOutdatedWorkersGetWhatTheyCanCount, and all else goes to others.
func TestOutdatedWorkersGetWhatTheyCanCount(t *testing.T) {
	g := newGrid("a a", "b b")
	g.outdated = map[jobs.NodeID]bool{"a": true}
	g.newer("new", 2, jobs.Trust{Replicas: 1})
	wantPlan(t, g.plan("a 5"), "")
	g.submit("old", 1, jobs.Trust{Replicas: 1})
	got := map[jobs.NodeID]map[jobs.JobID]int{"a": {}, "b": {}}
	for _, x := range g.plan("a 5", "b 5") {
		got[x.Worker][x.Job]++
	}
	if got["a"]["new"] != 0 || got["a"]["old"] != 1 || got["b"]["new"] != 2 {
		t.Errorf("leases %v", got)
	}
}

// TestOutdatedWorkersAreWaitedForByNobody: where every other owner has tried a task, one
// of these may try again.
func TestOutdatedWorkersAreWaitedForByNobody(t *testing.T) {
	for _, outdated := range []bool{false, true} {
		g := newGrid("a a", "b b")
		g.outdated = map[jobs.NodeID]bool{"a": outdated}
		g.newer("j", 1, jobs.Trust{Replicas: 1})
		first := g.plan("b 1")
		wantPlan(t, first, "j/0:b")
		g.carryOut(t, first)
		g.must(jobs.Command{Report: &jobs.ReportAttempts{Reports: []jobs.Report{{Lease: first[0].Lease, Worker: "b", Status: jobs.Killed}}}})
		if got := len(g.plan("b 1")) == 1; got != outdated {
			t.Errorf("with an outdated worker beside it: %v; it tries again: %v", outdated, got)
		}
	}
}

// TestOutdatedWorkersGetNothingInExchange that another worker of their owner could count.
func TestOutdatedWorkersGetNothingInExchange(t *testing.T) {
	g := newGrid("a o", "b o")
	g.near, g.outdated = NewNearness(), map[jobs.NodeID]bool{"a": true}
	j := g.newer("new", 4, jobs.Trust{Replicas: 1})
	g.submit("old", 4, jobs.Trust{Replicas: 1})
	for place := range jobs.Place(4) {
		g.near.Note("a", j, place)
	}
	for _, x := range g.plan("a 2", "b 4") {
		if x.Job == "new" && x.Worker == "a" {
			t.Error("an outdated worker gets it in exchange")
		}
	}
}

func TestWaitingForNewerWorkers(t *testing.T) {
	g := newGrid("a a", "b b")
	j := g.newer("j", 1, jobs.Trust{Replicas: 1})
	wantWait(t, g.standing(j, g.live), waits.None, 0)
	wantWait(t, Waiting(Standing{State: g.State, Job: j, Live: g.live, Outdated: true}), waits.Outdated, 2)
}
