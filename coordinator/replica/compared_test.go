package replica

import (
	"fmt"
	"testing"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
)

// TestComparing: equal states have equal hashes, others have not, and who catches up does
// not hash at each place that it passes.
func TestComparing(t *testing.T) {
	var first, second, other comparisons
	s := jobs.NewState()
	s.Nodes["a"], s.Nodes["b"] = &jobs.Node{Owner: "x"}, &jobs.Node{Owner: "y"}
	first.note(7, jobs.CompareStates{Parts: 1}, s)
	first.note(8, jobs.CompareStates{Parts: 1}, s)
	second.note(7, jobs.CompareStates{Parts: 1}, s.Clone())
	s.Nodes["b"].Owner = "z"
	other.note(7, jobs.CompareStates{Parts: 1}, s)
	if len(first.list) != 1 || first.list[0] != second.list[0] {
		t.Errorf("%v and %v", first.list, second.list)
	}
	if first.list[0] == other.list[0] {
		t.Error("states that differ have the same hash")
	}
}

// BenchmarkComparing is how long nothing is applied while a part of a state of a million
// tasks is hashed.
func BenchmarkComparing(b *testing.B) {
	s := jobs.NewState()
	for i := range 100 {
		j := &jobs.Job{Closed: make([]jobs.ClosedTask, 10_000), Order: make([]jobs.Place, 10_000)}
		for k := range j.Closed {
			j.Order[k] = jobs.Place(k)
			j.Closed[k].Output = blob.Ref{ID: blob.ID{byte(k), byte(k >> 8)}, Size: 1000}
		}
		s.Jobs[jobs.JobID(fmt.Sprint("j", i))] = j
	}
	parts := s.Parts()
	b.ReportMetric(float64(parts), "parts")
	b.ResetTimer()
	for i := range b.N {
		var c comparisons
		c.note(1, jobs.CompareStates{Part: uint32(i) % parts, Parts: parts}, s)
	}
}
