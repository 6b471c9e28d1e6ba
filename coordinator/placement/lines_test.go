package placement

import (
	"fmt"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
)

const mib = 1 << 20

// work has a worker run what it is granted, with results of so many bytes each, and says
// how much that was.
func (g *grid) work(t *testing.T, worker string, capacity int, size int64) int {
	t.Helper()
	plan := g.plan(fmt.Sprint(worker, " ", capacity))
	g.carryOut(t, plan)
	for _, grant := range plan {
		r := jobs.Report{Lease: grant.Lease, Worker: grant.Worker, Status: jobs.Succeeded}
		r.Output.Size = size
		copy(r.Output.ID[:], fmt.Sprint(grant.Place))
		g.must(jobs.Command{Report: &jobs.ReportAttempts{Reports: []jobs.Report{r}}})
	}
	return len(plan)
}

// hold has the coordinator get the first n results that it lacks.
func (g *grid) hold(job string, n int) {
	j, held := g.Jobs[jobs.JobID(job)], jobs.HeldResults{Job: jobs.JobID(job)}
	for seq := range j.Order {
		place := j.Order[seq]
		if len(held.Sequences) < n && j.Current(jobs.Sequence(seq)) && j.Closed[place].Holders == 0 {
			held.Sequences = append(held.Sequences, jobs.Sequence(seq))
		}
	}
	g.must(jobs.Command{Confirm: &jobs.ConfirmHeld{Coordinator: "c1", Results: []jobs.HeldResults{held}}})
}

// lined is a grid that remembers lines, with a job of many tasks.
func lined(t *testing.T, workers ...string) (*grid, *jobs.Job) {
	t.Helper()
	g := newGrid(workers...)
	g.must(jobs.Command{Raise: &jobs.RaiseVersion{Version: jobs.LastVersion}})
	g.lines = NewLines()
	j := g.submit("j", 10_000, jobs.Trust{Replicas: 1})
	if n := g.work(t, "w", 4, 3*mib); n != 4 { // of results nothing is known yet
		t.Fatalf("%d tasks were granted", n)
	}
	return g, j
}

// TestAFastWorkerIsNotSlowedDown: it gets what it asks for as long as its results go as
// fast as they come, be that a gigabit.
func TestAFastWorkerIsNotSlowedDown(t *testing.T) {
	g, _ := lined(t, "w w")
	for second := range 60 {
		g.lines.Look(g.State, time.Second)
		want := 8
		if second > 10 {
			want = 40
		}
		if n := g.work(t, "w", want, 3*mib); n != want {
			t.Fatalf("second %d: %d tasks of %d were granted", second, n, want)
		}
		g.lines.Look(g.State, 50*time.Millisecond)
		g.hold("j", want)
	}
}

// TestASlowLineGetsNoMoreThanItCarries: some tasks until it is known to be slow, then one
// at a time, and more again when it has become better.
func TestASlowLineGetsNoMoreThanItCarries(t *testing.T) {
	g, j := lined(t, "w w", "other other")
	total := 4
	for range 60 {
		g.lines.Look(g.State, time.Second)
		total += g.work(t, "w", 4, 3*mib)
	}
	if total > 16 {
		t.Errorf("%d results of 3 MiB are with a worker that hands out none", total)
	}
	if n := g.work(t, "other", 4, 3*mib); n != 4 {
		t.Errorf("another got %d tasks of 4", n)
	}
	for range total + 4 {
		g.hold("j", 1)
		g.lines.Look(g.State, 6*time.Minute)
	}
	if n := g.work(t, "w", 4, 3*mib); n != 1 {
		t.Errorf("when all is sent it gets %d tasks, want one to try", n)
	}
	for range 60 {
		g.lines.Look(g.State, 100*time.Millisecond)
		g.hold("j", 100)
		g.lines.Look(g.State, 100*time.Millisecond)
		g.work(t, "w", 4, 3*mib)
	}
	g.hold("j", 100)
	g.lines.Look(g.State, 100*time.Millisecond)
	if n := g.work(t, "w", 4, 3*mib); n != 4 {
		t.Errorf("with a good line it gets %d tasks of 4", n)
	}
	if j.State != jobs.JobRunning {
		t.Fatal("the job is over")
	}
}

// TestSmallResultsAndOthersJobsAreNoBurden: what goes with a report needs no line.
func TestSmallResultsAndOthersJobsAreNoBurden(t *testing.T) {
	g, _ := lined(t, "w w")
	for range 60 {
		g.lines.Look(g.State, time.Second)
	}
	wantPlan(t, g.plan("w 4"), "")
	g.submit("small", 1000, jobs.Trust{Replicas: 1})
	for range 10 {
		if n := g.work(t, "w", 4, blob.MinPiece); n != 4 {
			t.Fatalf("of a job with small results %d tasks of 4 were granted", n)
		}
		g.lines.Look(g.State, time.Second)
	}
}

// TestWhatCameTooSlowlyGoesToOthers who have the line for it, for a while.
func TestWhatCameTooSlowlyGoesToOthers(t *testing.T) {
	for _, owner := range []string{"w", "other"} { // of the others' machine
		g, _ := lined(t, "w w", "x "+owner)
		g.lines.Look(g.State, time.Second)
		missing := jobs.HeldResults{Job: "j", Sequences: []jobs.Sequence{0}}
		g.must(jobs.Command{Confirm: &jobs.ConfirmHeld{Coordinator: "c1", Slow: true, Missing: []jobs.HeldResults{missing}}})
		again := func(plan []jobs.Grant) bool { return len(plan) > 0 && plan[0].Place == 0 }
		if again(g.plan("w 1")) {
			t.Errorf("owner %s: the slow worker gets it again", owner)
		}
		if !again(g.plan("x 1")) {
			t.Errorf("owner %s: the other does not get it", owner)
		}
		g.live = g.live[:1]
		if !again(g.plan("w 1")) {
			t.Errorf("owner %s: where nobody else is, the slow worker does not get it", owner)
		}
		g.live = append(g.live, "x")
		g.now += jobs.Time(2*othersFirst.Milliseconds()) + 1
		g.must(jobs.Command{Expire: &jobs.ExpireLeases{}})
		if g.Nodes["x"].Owner == g.Nodes["w"].Owner && !again(g.plan("w 1")) {
			t.Errorf("owner %s: after a while it still waits for others, which may be paused", owner)
		}
	}
}
