package placement

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/anthill-grid/anthill/jobs"
)

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
