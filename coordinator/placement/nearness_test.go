package placement

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
)

// submitOn submits a job whose tasks have so many pieces of an input each.
func (g *grid) submitOn(input byte, id string, tasks, pieces int64, trust jobs.Trust) *jobs.Job {
	spec := jobs.Spec{
		Name: id, Bundle: blob.Ref{ID: blob.ID{1}, Size: 1}, Trust: trust,
		Input: jobs.Input{Blob: &jobs.BlobInput{Blob: blob.Ref{ID: blob.ID{input}, Size: tasks * pieces * blob.MinPiece}, ShardSize: pieces * blob.MinPiece}},
	}
	g.must(jobs.Command{Submit: &jobs.SubmitJob{Job: jobs.JobID(id), Spec: spec.WithDefaults(), Submitter: "op", Seed: uint64(len(g.Jobs)) + 5}})
	return g.Jobs[jobs.JobID(id)]
}

// carryOutAll plans, grants and ends leases until nobody gets any more. all says
// whether all workers offer at the same time, or one after the other. It counts the
// pieces that workers had to fetch.
func (g *grid) carryOutAll(t testing.TB, capacity int, all bool, fetch func(grant jobs.Grant)) {
	for idle := 0; idle < len(g.live); {
		offers := []string{fmt.Sprint(g.live[g.draw.IntN(len(g.live))], " ", capacity)}
		if all {
			offers = nil
			for _, w := range g.live {
				offers = append(offers, fmt.Sprint(w, " ", capacity))
			}
		}
		plan := g.plan(offers...)
		idle++
		out := g.must(jobs.Command{Grant: &jobs.GrantLeases{Grants: plan, Expires: g.now + 6000}})
		if len(out.Granted) != len(plan) {
			t.Fatalf("%d of %d planned grants hold", len(out.Granted), len(plan))
		}
		for _, grant := range plan {
			idle = 0
			fetch(grant)
			g.near.Note(grant.Worker, g.Jobs[grant.Job], grant.Place)
			g.end(grant, "right")
		}
	}
}

// counting counts the tasks that workers have not read before.
func (g *grid) counting() (fetched *int, read func(jobs.Grant)) {
	had, fetched := map[string]bool{}, new(int)
	return fetched, func(grant jobs.Grant) {
		at := fmt.Sprint(grant.Worker, " ", g.Jobs[grant.Job].TaskAt(grant.Place))
		if !had[at] {
			had[at] = true
			*fetched++
		}
	}
}

// TestAnOwnersLeasesGoWhereTheirInputIs: a second job on the same input is given to
// the machines that have read it.
func TestAnOwnersLeasesGoWhereTheirInputIs(t *testing.T) {
	g := newGrid("a o", "b o", "c o")
	g.near = NewNearness()
	g.submitOn(7, "first", 12, 1, jobs.Trust{Replicas: 1})
	fetched, read := g.counting()
	g.carryOutAll(t, 4, true, read)
	if *fetched < 12 {
		t.Fatalf("the first job had %d pieces read, want all", *fetched)
	}
	*fetched = 0
	g.submitOn(7, "second", 12, 1, jobs.Trust{Replicas: 1})
	g.carryOutAll(t, 4, true, read)
	if *fetched > 1 { // a spot check may go anywhere
		t.Errorf("the second job had %d pieces read by machines that had not read them, though others of the owner had", *fetched)
	}
}

// TestNearnessGivesNobodyMore: the machine that has everything gets no more than
// its share.
func TestNearnessGivesNobodyMore(t *testing.T) {
	g := newGrid("a o", "b o")
	g.near = NewNearness()
	j := g.submitOn(7, "j", 100, 1, jobs.Trust{Replicas: 1})
	for place := range jobs.Place(100) {
		g.near.Note("a", j, place)
	}
	got := map[jobs.NodeID]int{}
	for _, grant := range g.plan("a 4", "b 4") {
		got[grant.Worker]++
	}
	if got["a"] != 4 || got["b"] != 4 {
		t.Errorf("leases %v, want 4 for each", got)
	}
}

// TestNearnessTellsOwnersNothing: whatever workers had before, an owner gets the
// same leases, each of its workers as many, and all are valid.
func TestNearnessTellsOwnersNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := newGrid()
		for i := range rapid.IntRange(2, 8).Draw(t, "workers") {
			g.admit(fmt.Sprint("w", i), fmt.Sprint("o", rapid.IntRange(0, 3).Draw(t, "owner")))
		}
		for i := range rapid.IntRange(1, 3).Draw(t, "jobs") {
			trust := rapid.SampledFrom([]jobs.Trust{
				{}, {MaxError: jobs.One / 10}, {Replicas: 1}, {Replicas: 1, Quorum: 2}, {Replicas: 3, Quorum: 2},
			}).Draw(t, "trust")
			g.submitOn(byte(rapid.IntRange(1, 2).Draw(t, "input")), fmt.Sprint("j", i), rapid.Int64Range(1, 8).Draw(t, "tasks"), 1, trust)
		}
		near := NewNearness()
		for range rapid.IntRange(1, 20).Draw(t, "rounds") {
			seed, lease := rapid.Uint64().Draw(t, "seed"), g.lease
			var offers []string
			for _, w := range g.live {
				offers = append(offers, fmt.Sprint(w, " ", rapid.IntRange(0, 4).Draw(t, "capacity")))
			}
			g.draw, g.near = rand.New(rand.NewPCG(seed, 0)), nil
			blind := g.plan(offers...)
			g.draw, g.near, g.lease = rand.New(rand.NewPCG(seed, 0)), near, lease
			plan := g.plan(offers...)
			if a, b := g.owners(blind), g.owners(plan); !slices.Equal(a, b) {
				t.Fatalf("owners get %v, and blindly %v", b, a)
			}
			if a, b := counts(blind), counts(plan); !maps.Equal(a, b) {
				t.Fatalf("workers get so many leases: %v, and blindly %v", b, a)
			}
			out := g.must(jobs.Command{Grant: &jobs.GrantLeases{Grants: plan, Expires: g.now + 10}})
			if len(out.Granted) != len(plan) {
				t.Fatalf("%d of %d hold: %s", len(out.Granted), len(plan), summary(plan))
			}
			for _, grant := range plan {
				near.Note(grant.Worker, g.Jobs[grant.Job], grant.Place)
			}
			g.reportAny(t)
		}
	})
}

// owners are the leases with whose they are.
func (g *grid) owners(plan []jobs.Grant) (list []string) {
	for _, grant := range plan {
		list = append(list, fmt.Sprint(g.Nodes[grant.Worker].Owner, " ", grant.Lease, " ", grant.Job, " ", grant.Place, " ", grant.Repeat))
	}
	return list
}

func counts(plan []jobs.Grant) map[jobs.NodeID]int {
	n := map[jobs.NodeID]int{}
	for _, grant := range plan {
		n[grant.Worker]++
	}
	return n
}

func TestPartsOfTasks(t *testing.T) {
	g := newGrid()
	cases := []struct {
		tasks, pieces int64
		task          jobs.Index
		first, last   int
	}{
		{10, 1, 3, 3, 3},
		{10, 2, 3, 6, 7},
		{2048, 1, 5, 2, 2},
		{1, 1, 0, 0, 0},
		{3, 1000, 1, 341, 682},
	}
	for i, c := range cases {
		j := g.submitOn(1, fmt.Sprint(i), c.tasks, c.pieces, jobs.Trust{})
		if s, ok := spanOf(j, j.PlaceOf(c.task)); !ok || s.first != c.first || s.last != c.last {
			t.Errorf("task %d of %d with %d pieces each reads the parts %d to %d, want %d to %d", c.task, c.tasks, c.pieces, s.first, s.last, c.first, c.last)
		}
	}
	if _, ok := spanOf(g.submit("range", 10, jobs.Trust{}), 3); ok {
		t.Error("a range has parts")
	}
}

// near is how much of a task's input a worker had, in thousandths.
func (n *Nearness) near(worker jobs.NodeID, j *jobs.Job, place jobs.Place) int {
	s, _ := spanOf(j, place)
	return n.of(worker, s)
}

func TestNearnessForgets(t *testing.T) {
	g := newGrid()
	n := NewNearness()
	j := g.submitOn(1, "j", 10, 2, jobs.Trust{})
	n.Note("w", j, 3)
	if near, other := n.near("w", j, 3), n.near("w", j, 4); near != 1000 || other != 0 {
		t.Errorf("the task that it had is %d near, another %d", near, other)
	}
	half := g.submitOn(1, "half", 5, 4, jobs.Trust{})
	if near := n.near("w", half, half.PlaceOf(j.TaskAt(3)/2)); near != 500 {
		t.Errorf("a task with twice as much input is %d near, want 500", near)
	}
	for i := range byte(maxInputs) {
		n.Note("w", g.submitOn(2+i, fmt.Sprint("other-", i), 10, 1, jobs.Trust{}), 0)
	}
	if near := n.near("w", j, 3); near != 0 || len(n.workers["w"].parts) != maxInputs || len(n.workers["w"].order) != maxInputs {
		t.Errorf("after %d other inputs it is %d near", maxInputs, near)
	}
	for i := range maxWorkers {
		n.Note(jobs.NodeID(fmt.Sprint("w", i)), j, 0)
	}
	if len(n.workers) > maxWorkers {
		t.Errorf("%d workers are remembered", len(n.workers))
	}
}

// BenchmarkArrange has one owner's machines do a second job on an input that they
// have read: all asking at the same time, or one after the other, as when tasks
// take long. How often is the input fetched?
func BenchmarkArrange(b *testing.B) {
	for _, workers := range []int{3, 5, 20} {
		for _, capacity := range []int{1, 8} {
			for _, together := range []bool{true, false} {
				b.Run(fmt.Sprintf("workers=%d/capacity=%d/together=%v", workers, capacity, together), func(b *testing.B) {
					for b.Loop() {
						b.ReportMetric(secondOfOneOwner(b, workers, capacity, together), "inputs-fetched")
					}
				})
			}
		}
	}
}

func secondOfOneOwner(b *testing.B, workers, capacity int, together bool) float64 {
	const tasks = 400
	g := newGrid()
	g.near = NewNearness()
	for i := range workers {
		g.admit(fmt.Sprint("w", i), "o")
	}
	fetched, read := g.counting()
	g.submitOn(7, "first", tasks, 1, jobs.Trust{Replicas: 1})
	g.carryOutAll(b, capacity, together, read)
	*fetched = 0
	g.submitOn(7, "second", tasks, 1, jobs.Trust{Replicas: 1})
	g.carryOutAll(b, capacity, together, read)
	return float64(*fetched) / tasks
}
