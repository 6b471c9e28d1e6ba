package placement

import (
	"fmt"
	"testing"

	"github.com/anthill-grid/anthill/jobs"
)

// TestKillersFailNothing: five of eleven owners, who have worked honestly for long, say at
// once of each task that they get that it cannot be run. The job succeeds, nobody honest
// is less reliable or banned for it, and the killers get ever fewer leases.
func TestKillersFailNothing(t *testing.T) {
	const tasks, killers, honest = 300, 5, 6
	var workers []string
	for i := range killers {
		workers = append(workers, fmt.Sprintf("k%d k%d", i, i))
	}
	for i := range honest {
		workers = append(workers, fmt.Sprintf("h%d h%d", i, i))
	}
	g := newGrid(workers...)
	g.must(jobs.Command{Raise: &jobs.RaiseVersion{Version: jobs.LastVersion}})
	for _, o := range g.Owners {
		o.Checks = 1000
	}
	j := g.submit("j", tasks, jobs.Trust{MaxError: jobs.One / 100})
	killed := 0
	busy := map[jobs.NodeID]jobs.Grant{}
	for round := 0; j.State == jobs.JobRunning; round++ {
		if round > 20*tasks {
			t.Fatalf("%d of %d after %d rounds", j.Settled(), tasks, round)
		}
		var offers []string
		for _, id := range g.live {
			if _, works := busy[id]; !works {
				offers = append(offers, string(id)+" 1")
			}
		}
		plan := g.plan(offers...)
		g.carryOut(t, plan)
		for _, grant := range plan {
			busy[grant.Worker] = grant
		}
		for id, grant := range busy { // a killer at once, others after a while
			if id[0] == 'k' {
				killed++
				g.end(grant, "killed")
				delete(busy, id)
			}
		}
		if g.now += 100; round%4 == 3 {
			for _, id := range g.live {
				if grant, works := busy[id]; works {
					g.end(grant, fmt.Sprint("result ", grant.Place))
					delete(busy, id)
				}
			}
		}
		for place := range j.Unheld {
			g.must(jobs.Command{Confirm: &jobs.ConfirmHeld{Coordinator: "c1", Results: []jobs.HeldResults{{Job: "j", Sequences: []jobs.Sequence{j.Closed[place].Sequence}}}}})
		}
	}
	if j.State != jobs.JobSucceeded || j.Failed > 0 {
		t.Errorf("the job is %v: %s", j.State, j.Reason)
	}
	for i := range honest {
		id := fmt.Sprint("h", i)
		if n := g.Nodes[jobs.NodeID(id)]; n.Reliability != jobs.One || g.Owners[jobs.OwnerID(id)].Banned != "" {
			t.Errorf("%s: reliability %v, banned for %q", id, n.Reliability, g.Owners[jobs.OwnerID(id)].Banned)
		}
	}
	if most := killers * 20; killed > most {
		t.Errorf("the killers got %d leases, want at most %d", killed, most)
	}
}
