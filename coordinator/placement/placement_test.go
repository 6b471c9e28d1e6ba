package placement

import (
	"fmt"
	"math/rand/v2"
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
	draw  *rand.Rand
	near  *Nearness
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
	spec := jobs.Spec{
		Name: id, Bundle: blob.Ref{ID: blob.ID{1}, Size: 1}, Trust: trust,
		Input: jobs.Input{Range: &jobs.Range{To: tasks, Step: 1}},
	}
	g.must(jobs.Command{Submit: &jobs.SubmitJob{Job: jobs.JobID(id), Spec: spec.WithDefaults(), Submitter: "op"}})
	return g.Jobs[jobs.JobID(id)]
}

// plan is for offers "NODE CAPACITY".
func (g *grid) plan(offers ...string) []jobs.Grant {
	r := Request{State: g.State, Live: g.live, NewLease: func() jobs.LeaseID { g.lease++; return g.lease }, Draw: g.draw.IntN, Near: g.near}
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
	if w := Waiting(g.State, g.Jobs["j"], g.live); !strings.Contains(w, "paused") {
		t.Errorf("the job waits for %q", w)
	}
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

func TestWaiting(t *testing.T) {
	g := newGrid("a a", "b b", "c c")
	j := g.submit("j", 1, jobs.Trust{Quorum: 2})
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
	g.must(jobs.Command{Confirm: &jobs.ConfirmHeld{Coordinator: "c1", Results: []jobs.HeldResults{{Job: "j", Sequences: []jobs.Sequence{0}}}}})
	if j.State != jobs.JobSucceeded {
		t.Fatalf("the job is %v", j.State)
	}
	want(nil, "")
}

// A small job that two strangers cannot be trusted with.
func TestWaitingForFurtherOwners(t *testing.T) {
	g := newGrid("a a", "b b")
	j := g.submit("j", 1, jobs.Trust{})
	g.run(t, "a 1", "x")
	if got := Waiting(g.State, j, g.live); got != "all results are accepted; they are being copied to further coordinators" {
		t.Errorf("waiting: %q", got)
	}
	g.must(jobs.Command{Confirm: &jobs.ConfirmHeld{Coordinator: "c1", Results: []jobs.HeldResults{{Job: "j", Sequences: []jobs.Sequence{0}}}}})
	if got := Waiting(g.State, j, g.live); got != "" {
		t.Errorf("while b may run it: waiting: %q", got)
	}
	wantPlan(t, g.run(t, "b 1", "x"), "j/0:b")
	wantPlan(t, g.plan("a 1", "b 1"), "")
	if got := Waiting(g.State, j, g.live); !strings.Contains(got, "the 2 live workers have run every task") || !strings.Contains(got, "further owners") {
		t.Errorf("waiting: %q", got)
	}
}

// No owner checks itself, and none is asked twice.
func TestSecondOpinionsComeFromOtherOwners(t *testing.T) {
	g := newGrid("a1 alice", "a2 alice", "b1 bob", "c1x chen")
	j := g.submit("j", 40, jobs.Trust{MaxError: jobs.One / 100})
	for range 30 {
		for _, w := range []string{"a1 4", "a2 4", "b1 4", "c1x 4"} {
			g.run(t, w, "x")
		}
	}
	double := 0
	for place := range j.Next {
		owners := map[jobs.OwnerID]bool{}
		attempts := g.Inspect(j, place).Attempts
		for _, a := range attempts {
			if owners[a.Owner] {
				t.Errorf("task %d was given to %s twice", place, a.Owner)
			}
			owners[a.Owner] = true
		}
		if len(attempts) > 1 {
			double++
		}
	}
	if double == 0 || j.Accepted() != 40 {
		t.Errorf("%d tasks were checked, %d accepted", double, j.Accepted())
	}
}

// Two of one network, or who joined together, may know each other.
func TestChecksPreferStrangers(t *testing.T) {
	g := newGrid()
	for i := range 20 {
		g.admitAt(fmt.Sprint("n", i), fmt.Sprint("o", i), "10.0.0.1:1")
		g.now += 2 * 3_600_000
	}
	g.admitAt("far", "far", "10.9.9.9:1")
	p := newPlanner(Request{State: g.State, Live: g.live, Draw: g.draw.IntN, Near: g.near})
	near, apart, alike := p.likeness("n0", "n1"), p.likeness("n0", "far"), p.likeness("n19", "far")
	if near <= apart || alike > apart*2 {
		t.Errorf("likeness %d in a network, %d apart, %d in a cohort", near, apart, alike)
	}
	g.admitAt("twin", "twin", "10.9.9.8:1")
	if p.likeness("far", "twin") <= near {
		t.Error("a network and a cohort in common are no more than a network")
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

// One replica is spot-checked: a twentieth of the tasks runs twice.
func TestOneReplicaIsSpotChecked(t *testing.T) {
	g := newGrid("a a", "b b")
	j := g.submit("j", 400, jobs.Trust{Replicas: 1})
	for range 60 {
		g.run(t, "a 5", "x")
		g.run(t, "b 5", "x")
	}
	if extra := j.Attempts.Started - 400; j.Accepted() != 400 || extra != 20 {
		t.Errorf("%d accepted with %d more attempts, want 20", j.Accepted(), extra)
	}
}

// A newcomer is examined with a task about which a lie came out.
func TestNewcomersAreExamined(t *testing.T) {
	g := newGrid()
	for i := range 12 {
		g.admit(fmt.Sprint("w", i), fmt.Sprint("o", i))
	}
	j := g.submit("j", 500, jobs.Trust{MaxError: jobs.One / 100})
	g.run(t, "w0 1", "lie")
	for len(g.Owners["o0"].Banned) == 0 {
		for i := 1; i < 12; i++ {
			g.run(t, fmt.Sprintf("w%d 1", i), "x")
		}
	}
	g.now += 1000
	exams := 0
	for i := range 40 {
		w := fmt.Sprint("late", i)
		g.admit(w, w)
		for _, p := range g.plan(w + " 1") {
			if p.Place == 0 {
				exams++
			}
		}
	}
	if exams < 20 || exams == 40 || j.State != jobs.JobRunning {
		t.Errorf("%d of 40 newcomers are examined, want some three quarters", exams)
	}
}

// Liars who return under fresh names are not asked, one after another for
// ever, whether they too lie about a task.
func TestThoseWhoCameLaterAreNoProbes(t *testing.T) {
	g := newGrid()
	for i := range 12 {
		g.admit(fmt.Sprint("w", i), fmt.Sprint("o", i))
	}
	j := g.submit("j", 1, jobs.Trust{MaxError: jobs.One / 100})
	g.run(t, "w0 1", "lie")
	for i := 1; len(g.Owners["o0"].Banned) == 0; i++ {
		g.run(t, fmt.Sprintf("w%d 1", i), "x")
	}
	g.now += 1000
	g.admit("late", "late")
	if task := j.Open[0]; task == nil || g.Judge(j, task).Want == 0 {
		t.Fatal("nobody is asked any more")
	}
	p := newPlanner(Request{State: g.State, Live: g.live, Draw: g.draw.IntN, Near: g.near})
	for _, o := range []struct {
		worker jobs.NodeID
		asked  bool
	}{{"w11", true}, {"late", false}} {
		offer := &offer{Offer: Offer{o.worker, 1}, owner: g.Nodes[o.worker].Owner, seen: map[*jobPlan]int{}}
		if task, _ := p.waiting(p.jobs[0], offer); (task != nil) != o.asked {
			t.Errorf("%s is asked: %v, want %v", o.worker, task != nil, o.asked)
		}
	}
}

// A job that has given up asking gets no more workers.
func TestConcededJobsAreLeftAlone(t *testing.T) {
	g := newGrid("a a", "b b")
	j := g.submit("j", 5, jobs.Trust{})
	j.Conceded = true
	wantPlan(t, g.plan("a 1", "b 1"), "")
}

// Nobody can know who will check whom.
func TestPlansAreUnpredictable(t *testing.T) {
	plans := map[string]bool{}
	for seed := range uint64(8) {
		g := newGrid("a a", "b b", "c c", "d d", "e e")
		g.draw = rand.New(rand.NewPCG(seed, 0))
		g.submit("j", 100, jobs.Trust{})
		for _, w := range []string{"a 20", "b 20", "c 20"} {
			g.run(t, w, "x")
		}
		plans[summary(g.plan("d 10"))] = true
	}
	if len(plans) < 6 {
		t.Errorf("%d different plans of 8", len(plans))
	}
}
