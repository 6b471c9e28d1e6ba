package placement

import (
	"testing"

	"github.com/anthill-grid/anthill/jobs"
)

// TestJobsWithoutInputCostNothing: sixty of them, each with fewer attempts under way than
// any other, once took all workers.
func TestJobsWithoutInputCostNothing(t *testing.T) {
	for name, trust := range map[string]jobs.Trust{"own": {Replicas: 1}, "fixed": {Replicas: 2, Quorum: 2, MaxAttempts: 5}, "bound": {MaxError: jobs.One / 1000}} {
		g := newGrid("w1 o1", "w2 o2")
		g.ready = map[jobs.JobID]jobs.Place{}
		for _, id := range []string{"a", "b", "c"} {
			g.submit(id, 100, trust)
			g.ready[jobs.JobID(id)] = 0
		}
		g.submit("real", 100, trust)
		plan := g.plan("w1 4", "w2 4")
		g.carryOut(t, plan)
		for _, grant := range plan {
			if grant.Job != "real" {
				t.Errorf("%s: a lease of %s, which nobody has", name, grant.Job)
			}
		}
		if len(plan) != 8 {
			t.Errorf("%s: %d leases of 8", name, len(plan))
		}
	}
}

// TestTasksAreOpenedAsTheirInputComes, and no faster: neither fresh tasks nor those that
// were opened where more was here are given out.
func TestTasksAreOpenedAsTheirInputComes(t *testing.T) {
	g := newGrid("w1 o1", "w2 o2")
	g.submit("j", 10, jobs.Trust{Replicas: 1})
	g.ready = map[jobs.JobID]jobs.Place{"j": 3}
	plan := g.plan("w1 8")
	g.carryOut(t, plan)
	if s := summary(plan); s != "j/0:w1 j/1:w1 j/2:w1" {
		t.Errorf("planned %s, want the three tasks whose input is here", s)
	}
	for _, grant := range plan {
		g.end(grant, "lost")
	}
	g.ready["j"] = 2
	if s := summary(g.plan("w2 8")); s != "j/0:w2 j/1:w2" {
		t.Errorf("planned %s, want the two tasks whose input is here", s)
	}
	g.ready["j"] = 10
	if n := len(g.plan("w2 8")); n != 8 {
		t.Errorf("%d leases, want 8 now that all is here", n)
	}
}

// TestSecondOpinionsNeedTheirInput, too.
func TestSecondOpinionsNeedTheirInput(t *testing.T) {
	g := newGrid("w1 o1", "w2 o2")
	g.submit("j", 4, jobs.Trust{MaxError: jobs.One / 1_000_000})
	g.run(t, "w1 4", "x")
	g.ready = map[jobs.JobID]jobs.Place{"j": 2}
	for range 20 {
		for _, grant := range g.plan("w2 4") {
			if grant.Place >= 2 {
				t.Fatalf("planned %v without its input", grant)
			}
		}
	}
}

// TestWhoGivesAJobBackGetsOthers, and the job goes to others.
func TestWhoGivesAJobBackGetsOthers(t *testing.T) {
	g := newGrid("w1 o1", "w2 o2")
	g.submit("far", 2, jobs.Trust{Replicas: 1})
	g.submit("near", 2, jobs.Trust{Replicas: 1})
	g.shuns = map[string]bool{"w1 far": true}
	plan := g.plan("w1 4", "w2 4")
	g.carryOut(t, plan)
	by := map[string]int{}
	for _, grant := range plan {
		by[string(grant.Worker)+" "+string(grant.Job)]++
	}
	if by["w1 far"] > 0 || by["w2 far"] != 2 || by["w1 near"] != 2 {
		t.Errorf("planned %s", summary(plan))
	}
}

// TestLeasesMoveToNobodyWhoMayNotHaveThem, though it is a machine of the same owner that
// has more of the input.
func TestLeasesMoveToNobodyWhoMayNotHaveThem(t *testing.T) {
	g := newGrid("w1 o1", "w2 o1")
	g.must(jobs.Command{Raise: &jobs.RaiseVersion{Version: jobs.LastVersion}})
	j := g.submit("j", 2, jobs.Trust{Replicas: 1})
	p := newPlanner(Request{State: g.State})
	workers := []jobs.NodeID{"w1", "w2"}
	grant := &jobs.Grant{Job: "j", Place: 0, Worker: "w1"}
	if !p.mayMove(grant, workers) {
		t.Error("a lease that anybody may have stays")
	}
	p.Shuns = func(w jobs.NodeID, _ jobs.JobID) bool { return w == "w2" }
	if p.mayMove(grant, workers) {
		t.Error("it moves to a worker that gets nothing of the job")
	}
	p.Shuns = nil
	g.carryOut(t, []jobs.Grant{{Lease: 1, Job: "j", Place: 0, Worker: "w2"}})
	g.now += 7000
	g.must(jobs.Command{Expire: &jobs.ExpireLeases{}})
	if !j.Open[0].MayHave("w2") || p.mayMove(grant, workers) {
		t.Error("it moves to a worker that fell silent with the task")
	}
}
