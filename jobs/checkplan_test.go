package jobs

import "testing"

// drawing gives the same random numbers each time.
func drawing() func(n int) int {
	i := uint64(0)
	return func(n int) int { i++; return int(mix(1, 0, uint32(i))) % n }
}

func unlike(a, b NodeID) int64 { return 1 }

func TestAPlanGivesNobodyATaskTwice(t *testing.T) {
	g := gridOf("w1", "w2", "w3", "w4", "w5")
	g.submit("j", boundSpec(1, DefaultMaxError))
	g.run("j", 0, "w1", "lie")
	for _, worker := range []string{"w2", "w3", "w4"} {
		g.run("j", 0, worker, "a")
	}
	p := g.Prospect(g.Jobs["j"])
	if _, ok := p.Exam("w5", func(n int) int { return n - 1 }); !ok {
		t.Fatal("a newcomer is not examined by a task about which a lie came out")
	}
	if place, ok := p.Check("w5", unlike, drawing()); ok {
		t.Fatalf("he gets task %d once more", place)
	}
}

// The simulator replays a seed exactly, and so must a plan.
func TestAPlanIsTheSameEachTime(t *testing.T) {
	g := gridOf("w1", "w2", "w3", "w4")
	g.submit("j", boundSpec(40, DefaultMaxError))
	for task := range Place(40) {
		g.grant("j", task, []string{"w1", "w2", "w3"}[task%3], false)
	}
	want, _ := g.Prospect(g.Jobs["j"]).Check("w4", unlike, drawing())
	for range 20 {
		if got, ok := g.Prospect(g.Jobs["j"]).Check("w4", unlike, drawing()); !ok || got != want {
			t.Fatalf("task %d is checked, and before it was %d", got, want)
		}
	}
}
