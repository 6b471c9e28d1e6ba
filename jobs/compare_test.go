package jobs

import (
	"fmt"
	"testing"
)

// TestExcerptsMakeUpTheState: each piece is in one part, and in one alone.
func TestExcerptsMakeUpTheState(t *testing.T) {
	s := NewState()
	s.Nodes["w"] = &Node{}
	for i := range 3 {
		s.Jobs[JobID(fmt.Sprint("j", i))] = &Job{Closed: make([]ClosedTask, 10_000), Order: make([]Place, 9_000)}
	}
	s.Answered = make([]Answer, 5_000)
	all := 0
	s.Excerpt(CompareStates{Parts: 1}, func(any) { all++ })
	if all != 1+2+3*(1+3+3) {
		t.Errorf("%d pieces", all)
	}
	if parts := s.Parts(); parts != 1+35_003/excerptTasks {
		t.Errorf("%d parts", parts)
	}
	sum, answers, closed, nodes := 0, 0, 0, 0
	const parts = 4
	for part := range uint32(parts) {
		s.Excerpt(CompareStates{Part: part, Parts: parts}, func(v any) {
			sum++
			switch v := v.(type) {
			case *State:
				nodes += len(v.Nodes)
			case []Answer:
				answers += len(v)
			case []ClosedTask:
				closed += len(v)
			}
		})
	}
	if sum != all || answers != 5_000 || closed != 30_000 || nodes != 1 {
		t.Errorf("%d pieces of %d, %d answers, %d closed tasks, %d nodes", sum, all, answers, closed, nodes)
	}
	if len(s.Jobs) != 3 || len(s.Jobs["j0"].Closed) != 10_000 {
		t.Error("the state was changed")
	}
	s.Excerpt(CompareStates{}, func(any) {}) // nobody proposes it, and it must not halt replicas
}
