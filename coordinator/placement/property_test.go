package placement

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/anthill-grid/anthill/jobs"
)

// TestPlansAreAccepted: whatever happened before, Apply accepts every grant of
// a plan that was made on the same state; and a task without agreement is not
// left alone as long as there is a worker who may try it.
func TestPlansAreAccepted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := newGrid()
		for i := range rapid.IntRange(1, 6).Draw(t, "workers") {
			g.admit(fmt.Sprint("w", i), fmt.Sprint("o", rapid.IntRange(0, 4).Draw(t, "owner")))
		}
		for i := range rapid.IntRange(1, 3).Draw(t, "jobs") {
			trust := rapid.SampledFrom([]jobs.Trust{
				{}, {MaxError: jobs.One / 10}, {Replicas: 1}, {Replicas: 1, Quorum: 2}, {Replicas: 3, Quorum: 2}, {Quorum: 3},
			}).Draw(t, "trust")
			g.submit(fmt.Sprint("j", i), rapid.Int64Range(1, 8).Draw(t, "tasks"), trust)
		}
		for range rapid.IntRange(1, 30).Draw(t, "rounds") {
			plan := g.planAny(t)
			out := g.must(jobs.Command{Grant: &jobs.GrantLeases{Grants: plan, Expires: g.now + 10}})
			if len(out.Granted) != len(plan) {
				t.Fatalf("%d of %d hold: %s", len(out.Granted), len(plan), summary(plan))
			}
			g.reportAny(t)
			g.checkJobPlans(t)
			if rapid.IntRange(0, 4).Draw(t, "pause") == 0 {
				g.now += rapid.SampledFrom([]jobs.Time{10, 9_990, 10_001, 40_000}).Draw(t, "time")
				if rapid.Bool().Draw(t, "late") {
					g.must(jobs.Command{Renew: &jobs.RenewLeases{All: true, Expires: g.now + 10}})
					g.checkJobPlans(t)
				}
				g.must(jobs.Command{Expire: &jobs.ExpireLeases{}})
			}
		}
		g.checkNobodyIsIdle(t)
	})
}

// checkJobPlans: what a plan finds of each job without a walk over its tasks is what a walk
// finds, on this state and on one that was read from a snapshot.
func (g *grid) checkJobPlans(t *rapid.T) {
	restored := g.Clone()
	restored.Reindex()
	for _, id := range g.Running() {
		open, running, tasks := walk(g.State, id)
		for _, s := range []*jobs.State{g.State, restored} {
			jp := planJob(s, id, jobs.Place(s.Jobs[id].Total()), jobs.Rates{})
			for jp.find(s) {
			}
			var got []string
			for _, found := range jp.tasks {
				got = append(got, fmt.Sprint(found.place, " wants ", found.want, ", a probe ", found.probe))
			}
			if jp.open != open || jp.running != running || !slices.Equal(got, tasks) {
				t.Fatalf("%s: %d open, %d running, %v; want %d, %d, %v", id, jp.open, jp.running, got, open, running, tasks)
			}
		}
	}
}

// walk looks at all open tasks of a job.
func walk(s *jobs.State, id jobs.JobID) (open, running int, tasks []string) {
	j := s.Jobs[id]
	for _, place := range j.OpenTasks() {
		task := j.Open[place]
		running += task.Running()
		v := s.Judge(j, task)
		if v.Want > 0 || s.GoesOn(j, task) {
			open++
		}
		if v.Want > 0 {
			tasks = append(tasks, fmt.Sprint(place, " wants ", v.Want, ", a probe ", v.Kind == jobs.Agreed || v.Kind == jobs.Failed))
		}
	}
	return open, running, tasks
}

func (g *grid) planAny(t *rapid.T) []jobs.Grant {
	capacity := map[jobs.NodeID]int{}
	var offers []string
	live := g.live
	for _, w := range live {
		if rapid.Bool().Draw(t, "offers") {
			capacity[w] = rapid.IntRange(0, 4).Draw(t, "capacity")
			offers = append(offers, fmt.Sprint(w, " ", capacity[w]))
		}
	}
	g.live = live[:rapid.IntRange(0, len(live)).Draw(t, "live")]
	plan := g.plan(offers...)
	g.live = live
	for _, p := range plan {
		if capacity[p.Worker]--; capacity[p.Worker] < 0 {
			t.Fatalf("too much for %s: %s", p.Worker, summary(plan))
		}
	}
	return plan
}

func (g *grid) reportAny(t *rapid.T) {
	for _, w := range g.live {
		for _, id := range g.LeasesOf(w) {
			if how := rapid.SampledFrom([]string{"x", "x", "x", "y", "killed", "lost", ""}).Draw(t, "how"); how != "" {
				g.end(jobs.Grant{Lease: id, Worker: w}, how)
			}
		}
	}
}

// checkNobodyIsIdle offers all workers: then a job that runs has an attempt
// under way, or waits for copies, or every live worker has voted on its tasks.
func (g *grid) checkNobodyIsIdle(t *rapid.T) {
	var offers []string
	for _, w := range g.live {
		offers = append(offers, fmt.Sprint(w, " 1000"))
	}
	g.must(jobs.Command{Grant: &jobs.GrantLeases{Grants: g.plan(offers...), Expires: g.now + 10}})
	for _, id := range g.Running() {
		j := g.Jobs[id]
		for _, i := range j.OpenTasks() {
			if task := j.Open[i]; task.Running() == 0 && g.Judge(j, task).Kind != jobs.Agreed {
				g.checkAllVoted(t, task)
			}
		}
		if int(j.Next) < j.Total() && len(g.live) > 0 && !g.allBanned() {
			t.Fatalf("%s: task %d is not started", id, j.Next)
		}
	}
}

func (g *grid) checkAllVoted(t *rapid.T, task *jobs.Task) {
	voted := map[jobs.OwnerID]bool{}
	for _, a := range task.Attempts {
		voted[a.Owner] = voted[a.Owner] || a.State == jobs.AttemptVoted || a.State == jobs.AttemptOutvoted
	}
	for _, w := range g.live {
		if !voted[g.Nodes[w].Owner] && g.BannedNode(w) == "" {
			t.Fatalf("%s may try a task that nobody is at: %+v", w, task.Attempts)
		}
	}
}

func (g *grid) allBanned() bool {
	for _, w := range g.live {
		if g.BannedNode(w) == "" {
			return false
		}
	}
	return true
}
