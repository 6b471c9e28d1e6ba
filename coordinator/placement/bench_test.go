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

// BenchmarkPlanForOne plans for one worker of so many, all of which hold eight leases of a
// job of two million tasks with the usual checks.
func BenchmarkPlanForOne(b *testing.B) {
	for _, size := range []struct{ workers, owners int }{{10_000, 1000}, {100_000, 1000}, {100_000, 100_000}} {
		b.Run(fmt.Sprintf("workers=%d/owners=%d", size.workers, size.owners), func(b *testing.B) {
			g := busyGrid(size.workers, size.owners, 8)
			next := func() jobs.LeaseID { g.lease++; return g.lease }
			r := Request{State: g.State, Offers: []Offer{{"w0", 8}}, Live: g.live, NewLease: next, Draw: g.draw.IntN, Near: NewNearness()}
			b.ReportAllocs()
			for b.Loop() {
				if n := len(Plan(r)); n != 8 {
					b.Fatalf("%d grants", n)
				}
			}
		})
	}
}

// busyGrid has workers that hold so many leases each, and have handed in as many results.
func busyGrid(workers, owners, held int) *grid {
	g := newGrid()
	for i := range owners {
		g.must(jobs.Command{CreateToken: &jobs.CreateToken{Token: jobs.TokenID(fmt.Sprint(i)), Role: jobs.Worker, Uses: uint32(workers), Expires: g.now + 1, Owner: jobs.OwnerID(fmt.Sprint("o", i))}})
	}
	for i := range workers {
		id := jobs.NodeID(fmt.Sprint("w", i))
		g.must(jobs.Command{Admit: &jobs.AdmitNode{Token: jobs.TokenID(fmt.Sprint(i % owners)), Node: id, Role: jobs.Worker}})
		g.live = append(g.live, id)
	}
	g.must(jobs.Command{Raise: &jobs.RaiseVersion{Version: jobs.LastVersion}})
	g.submit("j", 2_000_000, jobs.Trust{})
	place := jobs.Place(0)
	for round := range 2 {
		for first := 0; first < workers*held; first += MaxGrants {
			var plan []jobs.Grant
			for i := first; i < min(first+MaxGrants, workers*held); i++ {
				g.lease++
				plan = append(plan, jobs.Grant{Lease: g.lease, Job: "j", Place: place, Worker: g.live[i%workers]})
				place++
			}
			g.must(jobs.Command{Grant: &jobs.GrantLeases{Grants: plan, Expires: 1 << 50}})
			if round == 0 {
				for _, x := range plan {
					g.end(x, "x")
				}
			}
		}
	}
	return g
}
