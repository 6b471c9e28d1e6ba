package placement

import (
	"fmt"
	"slices"
	"testing"

	"github.com/anthill-grid/anthill/internal/waits"
	"github.com/anthill-grid/anthill/jobs"
)

func TestAttemptsGoToDistinctOwners(t *testing.T) {
	g := newGrid("a1 alice", "a2 alice", "b1 bob")
	g.submit("j", 2, jobs.Trust{Quorum: 2})
	wantPlan(t, g.plan("a1 2", "a2 2", "b1 2"), "j/0:a1 j/1:a2 j/0:b1 j/1:b1")
}

func TestCapacityIsRespected(t *testing.T) {
	g := newGrid("a a", "b b", "c c")
	g.submit("j", 100, jobs.Trust{Quorum: 2})
	count := map[jobs.NodeID]int{}
	for _, p := range g.plan("a 3", "b 0", "c 7") {
		count[p.Worker]++
	}
	if count["a"] != 3 || count["b"] != 0 || count["c"] != 7 {
		t.Errorf("leases by worker: %v", count)
	}
	wantPlan(t, g.plan("a -1"), "")
}

func TestOnlyWorkersInGoodStandingGetWork(t *testing.T) {
	g := newGrid("a a", "b b")
	g.submit("j", 9, jobs.Trust{Quorum: 2})
	g.Owners["b"].Banned = "lied"
	wantPlan(t, g.plan("b 1", "c1 1", "op 1", "nobody 1", "a 1"), "j/0:a")
}

func TestAnOwnerRepeatsOnlyWhereNobodyElseIsLeft(t *testing.T) {
	g := newGrid("a1 alice", "a2 alice")
	g.submit("j", 1, jobs.Trust{Quorum: 2})
	g.run(t, "a1 1", "x")
	wantPlan(t, g.plan("a1 1"), "")
	wantPlan(t, g.plan("a2 1"), "j/0:a2!")

	g.admit("b1", "bob") // it is alive, even if it asks for nothing now
	wantPlan(t, g.plan("a2 1"), "")
	wantPlan(t, g.plan("a2 1", "b1 1"), "j/0:b1")

	g.Owners["bob"].Banned = "lied"
	wantPlan(t, g.plan("a2 1"), "j/0:a2!")
}

// An owner whose attempt was lost may still vote, so nobody else may vote twice
// for its absence; but it does not hold up the task for ever.
func TestLostAttemptsAreTriedAgain(t *testing.T) {
	g := newGrid("a1 alice", "a2 alice", "b1 bob")
	g.submit("j", 1, jobs.Trust{Quorum: 2})
	g.run(t, "a1 1", "x")
	for range 3 {
		wantPlan(t, g.plan("a2 1"), "")
		wantPlan(t, g.run(t, "b1 1", "lost"), "j/0:b1")
	}
	wantPlan(t, g.plan("a2 1", "b1 1"), "j/0:a2!")
	wantPlan(t, g.plan("b1 1"), "j/0:b1!")
}

// What has long stood still is tried by others, by the owner's next machine only
// where nobody else is, and by nobody once it goes on.
func TestPausedAttemptsAreTriedByOthers(t *testing.T) {
	for name, trust := range map[string]jobs.Trust{"bound": {Replicas: 1}, "quorum": {Replicas: 2, Quorum: 2}} {
		t.Run(name, func(t *testing.T) {
			g := newGrid("a1 alice", "a2 alice", "b1 bob", "e1 eve", "d1 dora")
			g.submit("j", 1, trust)
			g.carryOut(t, g.plan("a1 1", "b1 1"))
			wantPlan(t, g.plan("e1 1", "d1 1"), "")
			held := g.LeasesOf("a1")
			if name == "bound" {
				held = append(held, g.LeasesOf("b1")...) // a check
			}
			g.must(jobs.Command{Renew: &jobs.RenewLeases{Paused: held, Expires: g.now + 6000}})
			wantPlan(t, g.plan("a1 1"), "")
			wantPlan(t, g.plan("a2 1"), "")
			wantPlan(t, g.plan("e1 1"), "j/0:e1")
			g.must(jobs.Command{Renew: &jobs.RenewLeases{Leases: held, Expires: g.now + 6000}})
			wantPlan(t, g.plan("e1 1", "d1 1"), "")
			g.must(jobs.Command{Renew: &jobs.RenewLeases{Paused: held, Expires: g.now + 6000}})
			g.carryOut(t, g.plan("e1 1"))
			wantPlan(t, g.plan("d1 1"), "")
		})
	}
}

// His own next machine takes a task over from one that stands still: nobody votes
// twice.
func TestAnOwnersNextMachineTakesOver(t *testing.T) {
	g := newGrid("a1 alice", "a2 alice")
	g.submit("j", 1, jobs.Trust{Replicas: 1})
	g.carryOut(t, g.plan("a1 1"))
	held := g.LeasesOf("a1")
	wantPlan(t, g.plan("a2 1"), "")
	g.must(jobs.Command{Renew: &jobs.RenewLeases{Paused: held, Expires: g.now + 6000}})
	wantWait(t, g.standing(g.Jobs["j"], g.live), waits.Paused, 1)
	plan := g.plan("a2 1")
	wantPlan(t, plan, "j/0:a2!")
	g.carryOut(t, plan)
	if _, _, ok := g.Lease(held[0]); ok {
		t.Error("the paused attempt still runs")
	}
	g.end(plan[0], "x")
	if j := g.Jobs["j"]; j.Accepted() != 1 {
		t.Errorf("%d accepted", j.Accepted())
	}
}

func TestKilledAttemptsAreTriedAgainByTheLastWorker(t *testing.T) {
	g := newGrid("a a")
	g.submit("j", 1, jobs.Trust{Replicas: 1})
	wantPlan(t, g.run(t, "a 1", "killed"), "j/0:a")
	for range 4 {
		wantPlan(t, g.run(t, "a 1", "killed"), "j/0:a!")
	}
	if g.Jobs["j"].State != jobs.JobFailed {
		t.Errorf("the job is %v", g.Jobs["j"].State)
	}
}

func TestJobsShareTheWorkers(t *testing.T) {
	g := newGrid("a a", "b b", "c c", "d d")
	g.submit("big", 1000, jobs.Trust{Quorum: 2})
	g.carryOut(t, g.plan("a 10", "b 10"))
	g.submit("small", 1000, jobs.Trust{Quorum: 2})
	g.submit("third", 1000, jobs.Trust{Quorum: 2})
	g.carryOut(t, g.plan("c 17", "d 17"))
	for id, want := range map[jobs.JobID]int{"big": 20, "small": 17, "third": 17} {
		if n := g.Jobs[id].Running(); n != want {
			t.Errorf("%s has %d attempts under way, want %d", id, n, want)
		}
	}
}

func TestFastWorkersDoNotOpenEverything(t *testing.T) {
	g := newGrid("a a", "b b")
	j := g.submit("j", 1_000_000, jobs.Trust{Quorum: 2})
	for range 10 {
		g.run(t, "a 1000", "x")
	}
	if want := 2 * openTasks; len(j.Open) != want {
		t.Errorf("%d tasks are open, want %d", len(j.Open), want)
	}
	g.run(t, "b 1000", "x")
	if len(j.Order) != 2*openTasks || len(g.plan("a 1")) != 1 {
		t.Errorf("%d accepted; then %v", len(j.Order), g.plan("a 1"))
	}
}

func TestPlanIsBounded(t *testing.T) {
	g := newGrid()
	var offers []string
	for i := range 100 {
		g.admit(fmt.Sprint("w", i), fmt.Sprint("o", i))
		offers = append(offers, fmt.Sprintf("w%d 1000", i))
	}
	g.submit("j", 1_000_000, jobs.Trust{Quorum: 2})
	plan := g.plan(offers...)
	g.carryOut(t, plan)
	if len(plan) != MaxGrants {
		t.Errorf("%d grants, want %d", len(plan), MaxGrants)
	}
}

func TestPlanChangesNothing(t *testing.T) {
	g := newGrid("a a", "b b", "c c", "d d")
	g.submit("j", 1, jobs.Trust{Replicas: 4})
	for _, w := range []string{"a 1", "b 1", "c 1"} {
		g.carryOut(t, g.plan(w))
	}
	task := g.Jobs["j"].Open[0]
	room := task.Attempts[:cap(task.Attempts)]
	before := slices.Clone(room)
	if len(room) == len(task.Attempts) {
		t.Fatal("no room that a plan could write to")
	}
	wantPlan(t, g.plan("d 1"), "j/0:d")
	if len(task.Attempts) != 3 || !slices.Equal(room, before) {
		t.Errorf("the plan wrote into the state: %v", room)
	}
}

// A worker that often ends without a result gets less to lose.
func TestUnreliableWorkersGetLess(t *testing.T) {
	g := newGrid("a a", "b b")
	g.submit("j", 100, jobs.Trust{})
	g.Nodes["a"].Reliability = jobs.One / 4
	count := map[jobs.NodeID]int{}
	for _, p := range g.plan("a 8", "b 8") {
		count[p.Worker]++
	}
	if count["a"] != 2 || count["b"] != 8 {
		t.Errorf("leases by worker: %v", count)
	}
	g.Nodes["a"].Reliability = 1
	if n := len(g.plan("a 8")); n != 1 {
		t.Errorf("the least reliable gets %d leases, want 1: it may mend its ways", n)
	}
}

// A job that has given up asking gets no more workers.
func TestConcededJobsAreLeftAlone(t *testing.T) {
	g := newGrid("a a", "b b")
	j := g.submit("j", 5, jobs.Trust{})
	j.Conceded = true
	wantPlan(t, g.plan("a 1", "b 1"), "")
}
