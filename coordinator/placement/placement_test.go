package placement

import (
	"fmt"
	"slices"
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
}

// newGrid has workers given as "NODE OWNER", all of them live.
func newGrid(workers ...string) *grid {
	g := &grid{State: jobs.NewState(), now: 1000}
	g.must(jobs.Command{Found: &jobs.FoundGrid{Grid: "test", Coordinator: "c1", Operator: "op"}})
	for _, w := range workers {
		node, owner, _ := strings.Cut(w, " ")
		g.admit(node, owner)
	}
	return g
}

func (g *grid) admit(node, owner string) {
	token := jobs.TokenID("token of " + node)
	g.must(jobs.Command{CreateToken: &jobs.CreateToken{Token: token, Role: jobs.Worker, Uses: 1, Expires: g.now + 1, Owner: jobs.OwnerID(owner)}})
	g.must(jobs.Command{Admit: &jobs.AdmitNode{Token: token, Node: jobs.NodeID(node), Role: jobs.Worker}})
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
	spec := jobs.Spec{
		Name: id, Bundle: blob.Ref{ID: blob.ID{1}, Size: 1}, Trust: trust,
		Input: jobs.Input{Range: &jobs.Range{To: tasks, Step: 1}},
	}
	g.must(jobs.Command{Submit: &jobs.SubmitJob{Job: jobs.JobID(id), Spec: spec.WithDefaults(), Submitter: "op"}})
	return g.Jobs[jobs.JobID(id)]
}

// plan is for offers "NODE CAPACITY".
func (g *grid) plan(offers ...string) []jobs.Grant {
	r := Request{State: g.State, Live: g.live, NewLease: func() jobs.LeaseID { g.lease++; return g.lease }}
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

// summary is "JOB/TASK:WORKER", with "!" for repeats.
func summary(plan []jobs.Grant) string {
	var list []string
	for _, p := range plan {
		s := fmt.Sprintf("%s/%d:%s", p.Job, p.Task, p.Worker)
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

func TestAttemptsGoToDistinctOwners(t *testing.T) {
	g := newGrid("a1 alice", "a2 alice", "b1 bob")
	g.submit("j", 2, jobs.Trust{})
	wantPlan(t, g.plan("a1 2", "a2 2", "b1 2"), "j/0:a1 j/1:a2 j/0:b1 j/1:b1")
}

func TestCapacityIsRespected(t *testing.T) {
	g := newGrid("a a", "b b", "c c")
	g.submit("j", 100, jobs.Trust{})
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
	g.submit("j", 9, jobs.Trust{})
	g.Owners["b"].Banned = "lied"
	wantPlan(t, g.plan("b 1", "c1 1", "op 1", "nobody 1", "a 1"), "j/0:a")
}

func TestAnOwnerRepeatsOnlyWhereNobodyElseIsLeft(t *testing.T) {
	g := newGrid("a1 alice", "a2 alice")
	g.submit("j", 1, jobs.Trust{})
	g.run(t, "a1 1", "x")
	wantPlan(t, g.plan("a1 1"), "")
	wantPlan(t, g.plan("a2 1"), "j/0:a2!")

	g.admit("b1", "bob") // he is alive, even if he asks for nothing now
	wantPlan(t, g.plan("a2 1"), "")
	wantPlan(t, g.plan("a2 1", "b1 1"), "j/0:b1")

	g.Owners["bob"].Banned = "lied"
	wantPlan(t, g.plan("a2 1"), "j/0:a2!")
}

// An owner whose attempt was lost may still vote, so nobody else may vote twice
// for his absence; but he does not hold up the task for ever.
func TestLostAttemptsAreTriedAgain(t *testing.T) {
	g := newGrid("a1 alice", "a2 alice", "b1 bob")
	g.submit("j", 1, jobs.Trust{})
	g.run(t, "a1 1", "x")
	for range 3 {
		wantPlan(t, g.plan("a2 1"), "")
		wantPlan(t, g.run(t, "b1 1", "lost"), "j/0:b1")
	}
	wantPlan(t, g.plan("a2 1", "b1 1"), "j/0:a2!")
	wantPlan(t, g.plan("b1 1"), "j/0:b1!")
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
	g.submit("big", 1000, jobs.Trust{})
	g.carryOut(t, g.plan("a 10", "b 10"))
	g.submit("small", 1000, jobs.Trust{})
	g.submit("third", 1000, jobs.Trust{})
	g.carryOut(t, g.plan("c 17", "d 17"))
	for id, want := range map[jobs.JobID]int{"big": 20, "small": 17, "third": 17} {
		if n := g.Jobs[id].Running(); n != want {
			t.Errorf("%s has %d attempts under way, want %d", id, n, want)
		}
	}
}

func TestFastWorkersDoNotOpenEverything(t *testing.T) {
	g := newGrid("a a", "b b")
	j := g.submit("j", 1_000_000, jobs.Trust{})
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
	g.submit("j", 1_000_000, jobs.Trust{})
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

func TestWaiting(t *testing.T) {
	g := newGrid("a a", "b b", "c c")
	j := g.submit("j", 1, jobs.Trust{})
	want := func(live []jobs.NodeID, text string) {
		t.Helper()
		got := Waiting(g.State, j, live)
		if (got == "") != (text == "") || !strings.Contains(got, text) {
			t.Errorf("waiting: %q, want %q", got, text)
		}
	}
	want(nil, "no worker is alive: start one with")
	want([]jobs.NodeID{"c1", "nobody"}, "no worker is alive")
	want(g.live[:1], "2 equal results are asked for each task, and the grid has only 1 live")
	want(g.live, "")
	g.carryOut(t, g.plan("a 1"))
	want(nil, "") // somebody is at it
	g.end(jobs.Grant{Lease: g.lease, Worker: "a"}, "x")
	want(g.live[:2], "") // b will get it
	g.run(t, "b 1", "y")
	want(g.live[:2], "the 2 live workers have run all tasks, and some results disagree")
	g.run(t, "c 1", "x")
	want(g.live, "they are being copied to further coordinators")
	g.must(jobs.Command{Confirm: &jobs.ConfirmHeld{Coordinator: "c1", Results: []jobs.HeldResults{{Job: "j", Tasks: []uint32{0}}}}})
	if j.State != jobs.JobSucceeded {
		t.Fatalf("the job is %v", j.State)
	}
	want(nil, "")
}
