package placement

import (
	"fmt"
	"testing"

	"github.com/anthill-grid/anthill/jobs"
)

// BenchmarkPlan plans for 1000 workers with 8 slots each on a job of a million
// tasks, of which as many are open as may be: the worst case of a busy grid.
func BenchmarkPlan(b *testing.B) {
	g := newGrid()
	var offers []Offer
	for i := range 1000 {
		id := fmt.Sprint("w", i)
		g.admit(id, fmt.Sprint("o", i))
		offers = append(offers, Offer{jobs.NodeID(id), 8})
	}
	g.submit("j", 1_000_000, jobs.Trust{Quorum: 2})
	next := func() jobs.LeaseID { g.lease++; return g.lease }
	for open := 0; open < openTasks*1000-MaxGrants; open += MaxGrants {
		plan := make([]jobs.Grant, MaxGrants)
		for i := range plan {
			plan[i] = jobs.Grant{Lease: next(), Job: "j", Place: jobs.Place(open + i), Worker: offers[i%1000].Worker}
		}
		g.must(jobs.Command{Grant: &jobs.GrantLeases{Grants: plan, Expires: 1 << 50}})
	}
	b.ReportAllocs()
	for b.Loop() {
		if n := len(Plan(Request{State: g.State, Offers: offers, Live: g.live, NewLease: next})); n != MaxGrants {
			b.Fatalf("%d grants", n)
		}
	}
}
