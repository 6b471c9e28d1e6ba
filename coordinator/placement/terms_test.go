package placement

import (
	"testing"

	"github.com/anthill-grid/anthill/internal/waits"
	"github.com/anthill-grid/anthill/jobs"
)

// demand changes what a task of a job may take beside its process: so many MiB.
func demand(j *jobs.Job, mib int64) { j.Spec.Limits.Memory, j.Spec.Limits.Output = mib<<20, 0 }

// TestTasksGoWhereTheirMemoryIsLent, and nobody waits for workers that have too little.
func TestTasksGoWhereTheirMemoryIsLent(t *testing.T) {
	g := newGrid("a a", "b b")
	j := g.submit("j", 4, jobs.Trust{Replicas: 1})
	demand(j, 1024)
	g.terms = map[jobs.NodeID]Terms{"a": {Memory: 1100 << 20, Slots: 2}, "b": {Memory: 1152 << 20, Slots: 2}}
	wantPlan(t, g.plan("a 2"), "")
	wantPlan(t, g.plan("a 2", "b 1"), "j/0:b")
	wantWait(t, g.standing(j, g.live), waits.None, 0)
	g.terms["b"] = g.terms["a"]
	wantWait(t, g.standing(j, g.live), waits.Memory, 2)
}

// TestAWorkerGetsNoMoreThanItsMemory: two slots and memory for one task at a time, of
// which another may wait for its turn for each slot that one may hold.
func TestAWorkerGetsNoMoreThanItsMemory(t *testing.T) {
	g := newGrid("a a")
	demand(g.submit("j", 9, jobs.Trust{Replicas: 1}), 872)
	g.terms = map[jobs.NodeID]Terms{"a": {Memory: 1000 << 20, Slots: 2}}
	plan := g.plan("a 4")
	wantPlan(t, plan, "j/0:a j/1:a")
	g.carryOut(t, plan)
	wantPlan(t, g.plan("a 2"), "")
	g.end(plan[0], "x")
	wantPlan(t, g.plan("a 3"), "j/2:a")
}

// TestSmallTasksDoNotKeepALargeOneOut: a worker that is full of them is given no more
// until the large one fits in.
func TestSmallTasksDoNotKeepALargeOneOut(t *testing.T) {
	g := newGrid("a a")
	demand(g.submit("small", 99, jobs.Trust{Replicas: 1}), 122)
	g.terms = map[jobs.NodeID]Terms{"a": {Memory: 1000 << 20, Slots: 4}}
	small := g.plan("a 4")
	g.carryOut(t, small)
	demand(g.submit("large", 1, jobs.Trust{Replicas: 1}), 800)
	wantPlan(t, g.plan("a 1"), "")
	for i := range 4 {
		g.end(small[i], "x")
	}
	if plan := g.plan("a 4"); len(plan) == 0 || plan[0].Job != "large" {
		t.Errorf("with room for it: %q", summary(plan))
	}
}

// TestDonorsChooseTheOwners, and jobs that nobody is left for say so.
func TestDonorsChooseTheOwners(t *testing.T) {
	g := newGrid("a a", "b b", "c c")
	j := g.submit("j", 9, jobs.Trust{Replicas: 1})
	g.terms = map[jobs.NodeID]Terms{"a": {Only: []jobs.OwnerID{"carl"}}, "b": {Not: []jobs.OwnerID{j.Owner}}}
	wantPlan(t, g.plan("a 1", "b 1"), "")
	wantPlan(t, g.plan("a 1", "b 1", "c 1"), "j/0:c")
	wantWait(t, g.standing(j, g.live), waits.None, 0)
	wantWait(t, g.standing(j, g.live[:2]), waits.Unwanted, 2)
	g.declines = map[string]bool{"c j": true}
	wantPlan(t, g.plan("a 1", "b 1", "c 1"), "")
	wantWait(t, g.standing(j, g.live), waits.Unwanted, 3)
	g.terms["a"] = Terms{Only: []jobs.OwnerID{j.Owner}}
	wantPlan(t, g.plan("a 1", "b 1", "c 1"), "j/0:a")
}

// TestNobodyWaitsForOwnersWhoseDonorsDecline: an owner may run its task again, where none
// is left that would.
func TestNobodyWaitsForOwnersWhoseDonorsDecline(t *testing.T) {
	g := newGrid("a a", "b b")
	g.submit("j", 1, jobs.Trust{Replicas: 1})
	g.run(t, "a 1", "killed")
	wantPlan(t, g.plan("a 1"), "")
	g.declines = map[string]bool{"b j": true}
	wantPlan(t, g.plan("a 1"), "j/0:a!")
}
