package placement

import (
	"fmt"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/jobs"
)

// sharing has a worker with many slots, and owners of jobs as "NAME WEIGHT".
func sharing(owners ...string) *grid {
	g := newGrid("w w")
	g.must(jobs.Command{Raise: &jobs.RaiseVersion{Version: jobs.LastVersion}})
	g.shares = NewShares()
	for _, o := range owners {
		var name string
		var weight int64
		fmt.Sscan(o, &name, &weight)
		g.submitter(name, weight)
	}
	return g
}

// leases counts those of each owner's jobs.
func leases(g *grid, plan []jobs.Grant) map[jobs.OwnerID]int {
	count := map[jobs.OwnerID]int{}
	for _, grant := range plan {
		count[g.Jobs[grant.Job].Owner]++
	}
	return count
}

var once = jobs.Trust{Replicas: 1}

// TestThirtyJobsOfOneOwnerDoNotComeBeforeAnothersFirstTask.
func TestThirtyJobsOfOneOwnerDoNotComeBeforeAnothersFirstTask(t *testing.T) {
	g := sharing("bob 1", "alice 1")
	for i := range 30 {
		g.submitBy("bob", fmt.Sprint("b", i), 100, once)
	}
	g.carryOut(t, g.plan("w 200"))
	g.submitBy("alice", "a", 100, once)
	wantPlan(t, g.plan("w 1"), "a/0:w")
	if count := leases(g, g.plan("w 60")); count["alice"] != 60 {
		t.Errorf("bob has 200 leases, and of the next 60 alice gets %d", count["alice"])
	}
}

func TestOwnersGetLeasesByTheirWeights(t *testing.T) {
	g := sharing("bob 1", "alice 3")
	for i := range 5 {
		g.submitBy("bob", fmt.Sprint("b", i), 100, once)
	}
	g.submitBy("alice", "a", 1000, once)
	if count := leases(g, g.plan("w 80")); count["alice"] != 60 || count["bob"] != 20 {
		t.Errorf("leases: %v", count)
	}
}

// An owner's leases are shared out among its jobs.
func TestAnOwnersLeasesGoToAllOfItsJobs(t *testing.T) {
	g := sharing("bob 1", "alice 1")
	g.submitBy("bob", "b", 100, once)
	g.submitBy("alice", "a0", 100, once)
	g.submitBy("alice", "a1", 100, once)
	count := map[jobs.JobID]int{}
	for _, grant := range g.plan("w 40") {
		count[grant.Job]++
	}
	if count["b"] != 20 || count["a0"] != 10 || count["a1"] != 10 {
		t.Errorf("leases: %v", count)
	}
}

// TestLongTasksGetNoMoreOfAWorkerThanShortOnes: where one slot is shared, whose tasks
// take ten times as long gets a tenth of the leases; and a plan remembers those before.
func TestLongTasksGetNoMoreOfAWorkerThanShortOnes(t *testing.T) {
	g := sharing("bob 1", "alice 1")
	g.submitBy("bob", "slow", 1000, once).Pace = 10 * time.Second
	g.submitBy("alice", "fast", 1000, once).Pace = time.Second
	spent := map[jobs.JobID]time.Duration{}
	for range 220 {
		plan := g.plan("w 1")
		g.carryOut(t, plan)
		j := g.Jobs[plan[0].Job]
		pace := j.Pace
		spent[plan[0].Job] += pace
		g.end(plan[0], "x")
		j.Pace = pace
	}
	if a, b := spent["fast"], spent["slow"]; a-b > 20*time.Second || b-a > 20*time.Second {
		t.Errorf("of one worker's time alice has %v, and bob %v", a, b)
	}
}

// What others keep, and what stands still, does not count: otherwise who takes an owner's
// tasks and does nothing would keep its jobs from all workers.
func TestLeasesThatStandStillDoNotCount(t *testing.T) {
	g := sharing("bob 1", "alice 1")
	g.submitBy("alice", "a", 100, once)
	g.carryOut(t, g.plan("w 50"))
	g.must(jobs.Command{Renew: &jobs.RenewLeases{Paused: g.LeasesOf("w"), Expires: g.now + 6000}})
	g.submitBy("bob", "b", 100, once)
	if count := leases(g, g.plan("w 20")); count["alice"] < 9 {
		t.Errorf("of 20 leases alice gets %d", count["alice"])
	}
}

// TestSharesForgetWhoWantsNothing: otherwise they would grow for ever, and who comes back
// would have the workers alone for as long as it was away.
func TestSharesForgetWhoWantsNothing(t *testing.T) {
	g := sharing("bob 1", "alice 1")
	g.submitBy("bob", "b", 100, once)
	g.submitBy("alice", "a", 100, once)
	g.plan("w 7")
	if len(g.shares.owed) != 2 {
		t.Fatalf("owed: %v", g.shares.owed)
	}
	g.must(jobs.Command{Cancel: &jobs.CancelJob{Job: "a", By: "alice"}})
	for range 1000 {
		g.plan("w 1")
	}
	if len(g.shares.owed) != 1 || g.shares.owed["bob"] != 0 && -g.shares.owed["bob"] > mostCost {
		t.Errorf("owed: %v", g.shares.owed)
	}
}
