package desk

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/coordinator/rpc"
	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/lab/voter"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/jobs"
)

func TestTracker(t *testing.T) {
	a, b := blob.Ref{ID: blob.ID{1}}, blob.Ref{ID: blob.ID{2}}
	tr := newTracker()
	having := func(refs ...blob.Ref) []jobs.NodeID { return slices.Sorted(slices.Values(tr.having(refs, 8, anybody))) }
	tr.announce("w1", []blob.ID{a.ID, b.ID})
	tr.announce("w2", []blob.ID{b.ID})
	if got := having(a, b); !slices.Equal(got, []jobs.NodeID{"w1", "w2"}) {
		t.Errorf("having both: %v, want each node once", got)
	}
	tr.announce("w1", []blob.ID{a.ID})
	if got := having(b); !slices.Equal(got, []jobs.NodeID{"w2"}) {
		t.Errorf("having b after w1 dropped it: %v", got)
	}
	tr.forget("w1")
	tr.forget("w2")
	tr.forget("never seen")
	if len(tr.byBlob)+len(tr.byNode) != 0 {
		t.Errorf("%v %v are left of forgotten nodes", tr.byBlob, tr.byNode)
	}
}

func TestProviders(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	d := openDesk(l, false)
	l.Submit("j", 1, func(c *jobs.SubmitJob) { c.Provider = "submitter:1" })
	bundle := []blob.ID{blob.Of(voter.Bundle).ID()}
	for _, id := range []jobs.NodeID{"w1", "w2", "w3", "w4", "w5", "w6", "w7"} {
		beat := rpc.Beat{Address: string(id) + ":1", Blobs: bundle}
		if id == "w2" {
			beat.Address = "" // cannot be reached
		}
		if _, err := d.Heartbeat(id, beat); err != nil {
			t.Fatal(err)
		}
	}
	roles := map[jobs.Role]int{}
	l.View(func(s *jobs.State) {
		list := d.Providers(s.Jobs["j"], "w1")
		for _, p := range list {
			roles[p.Role]++
			if p.Address == "w1:1" || p.Address == "" {
				t.Errorf("provider %v: it is who asks, or nowhere", p)
			}
		}
		if last := list[len(list)-1]; last != (swarm.Provider{Address: "submitter:1", Role: jobs.Submitter}) {
			t.Errorf("the last provider is %v, want the submitter", last)
		}
	})
	if roles[jobs.Worker] != maxProviders-3 || roles[jobs.Coordinator] != 1 || roles[jobs.Submitter] != 1 {
		t.Errorf("providers by role: %v", roles)
	}
	for _, w := range d.workers {
		w.heard = time.Now().Add(-jobs.LeaseDuration)
	}
	if live := d.live(); len(live) != 0 || len(d.tracker.byNode) != 0 {
		t.Errorf("%v live, %d nodes tracked: the silent should be forgotten", live, len(d.tracker.byNode))
	}
}

func TestTrackerNamesNoMoreThanIsAsked(t *testing.T) {
	tr := newTracker()
	id := blob.ID{1}
	for i := range 100 {
		tr.announce(jobs.NodeID(fmt.Sprint(i)), []blob.ID{id})
	}
	if got := tr.having([]blob.Ref{{ID: id}}, 5, anybody); len(got) != 5 {
		t.Errorf("%d nodes", len(got))
	}
}

func anybody(jobs.NodeID) bool { return true }
