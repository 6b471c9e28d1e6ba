package desk

import (
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/lab/voter"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/jobs"
)

func TestProviders(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	d := openDesk(l, false)
	l.Submit("j", 1, func(c *jobs.SubmitJob) { c.Provider = "submitter:1" })
	bundle := []blob.ID{blob.Of(voter.Bundle).ID()}
	for _, id := range []jobs.NodeID{"w1", "w2", "w3", "w4", "w5", "w6", "w7"} {
		beat := Beat{Address: string(id) + ":1", Blobs: bundle}
		if id == "w2" {
			beat.Address = "" // cannot be reached
		}
		if _, err := d.Heartbeat(id, beat); err != nil {
			t.Fatal(err)
		}
	}
	roles := map[jobs.Role]int{}
	l.View(func(s *jobs.State) {
		list := d.providers(s.Jobs["j"], "w1")
		for _, p := range list {
			roles[p.Role]++
			if p.Address == "w1:1" || p.Address == "" {
				t.Errorf("provider %v: it is who asks, or nowhere", p)
			}
		}
		if last := list[len(list)-1]; last != (swarm.Provider{Address: "submitter:1", Role: jobs.Submitter, Node: "op"}) {
			t.Errorf("the last provider is %v, want the submitter", last)
		}
	})
	if roles[jobs.Worker] != maxProviders-3 || roles[jobs.Coordinator] != 1 || roles[jobs.Submitter] != 1 {
		t.Errorf("providers by role: %v", roles)
	}
	for _, w := range d.workers {
		w.heard = time.Now().Add(-jobs.LeaseDuration)
	}
	if live := d.live(); len(live) != 0 || len(d.tracker.stock.byNode) != 0 {
		t.Errorf("%v live, %d nodes tracked: the silent should be forgotten", live, len(d.tracker.stock.byNode))
	}
}
