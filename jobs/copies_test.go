package jobs

import (
	"testing"
	"time"
)

func TestHolderOwners(t *testing.T) {
	g := gridOf()
	g.admit(Coordinator, "c2", "ops")
	g.admit(Coordinator, "c3", "ops")
	g.submit("j", rangeSpec(2))
	for _, step := range []struct {
		by   NodeID
		want int
	}{{"c2", 1}, {"c3", 1}, {"c1", 2}} {
		g.apply(Command{Confirm: &ConfirmHeld{Coordinator: step.by, Inputs: []JobID{"j"}}})
		if n := g.HolderOwners(g.Jobs["j"].InputHolders); n != step.want {
			t.Errorf("after %s: %d owners, want %d", step.by, n, step.want)
		}
	}
}

func TestCopiesNeeded(t *testing.T) {
	g := newGrid()
	for _, c := range []string{"c2", "c3"} {
		g.admit(Coordinator, c, "ops")
		if n := g.CopiesNeeded(); n != 2 {
			t.Errorf("%d copies needed of %d coordinators", n, len(g.Holders))
		}
	}
	for set, want := range map[uint64][2]int{0: {0, 0}, 0b001: {1, 1}, 0b110: {2, 1}, 0b011: {2, 2}, 0b111: {2, 2}} {
		if copies, owners := g.NeededOf(set); copies != want[0] || owners != want[1] {
			t.Errorf("of %03b %d copies with %d owners are needed, want %v", set, copies, owners, want)
		}
	}
	for _, id := range g.Holders {
		g.Nodes[id].Owner = "ops"
	}
	if _, n := g.NeededOf(0b111); n != 1 {
		t.Errorf("%d owners needed where there is one", n)
	}
	if g.holderBit("c1") != 1 || g.holderBit("c3") != 4 || g.holderBit("w1") != 0 {
		t.Errorf("holders %v", g.Holders)
	}
}

func TestSucceededWhenEnoughCoordinatorsHoldEverything(t *testing.T) {
	g := gridOf("w1", "w2")
	g.admit(Coordinator, "c2", "ops")
	g.admit(Coordinator, "c3", "ops")
	g.submit("j", rangeSpec(2))
	wantRejected(t, g.confirm("w1", "j", 0), "NOT_A_COORDINATOR")
	g.confirm("c1", "j", 0, 1, 7) // nothing is accepted yet
	g.confirm("c1", "x", 0)
	for task := range Place(2) {
		g.run("j", task, "w1", "a")
		g.confirm("c1", "j", task) // still open
		g.run("j", task, "w2", "a")
	}
	for _, step := range []struct {
		by    string
		place Place
		done  int
	}{{"c1", 0, 0}, {"c1", 0, 0}, {"c1", 1, 0}, {"c2", 0, 1}, {"c3", 0, 1}} {
		g.confirm(step.by, "j", step.place)
		if j := g.mustBe(t, "j", JobRunning, ""); j.Done() != step.done {
			t.Errorf("%s holds %d: %d done, want %d", step.by, step.place, j.Done(), step.done)
		}
	}
	g.pass(time.Second)
	g.confirm("c3", "j", 1)
	j := g.mustBe(t, "j", JobSucceeded, "")
	if !g.Holds(j, 1, "c1") || g.Holds(j, 1, "c2") || j.Finished != g.clock {
		t.Errorf("job %+v", j)
	}
	g.confirm("c2", "j", 1) // late, and welcome
	if !g.Holds(j, 1, "c2") || len(j.Events) != 1 {
		t.Errorf("job %+v", j)
	}
}

// What one of one coordinators holds is not safe any more once there are two.
func TestSecondCoordinatorAsksForSecondCopies(t *testing.T) {
	g := gridOf("w1", "w2")
	g.submit("j", rangeSpec(2))
	for task := range Place(2) {
		g.run("j", task, "w1", "a")
		g.run("j", task, "w2", "a")
	}
	g.confirm("c1", "j", 0)
	g.admit(Coordinator, "c2", "ops")
	if n := g.Jobs["j"].Done(); n != 0 {
		t.Errorf("%d tasks are safe with one copy", n)
	}
	g.admit(Coordinator, "c3", "ops")
	g.confirm("c1", "j", 1)
	g.confirm("c2", "j", 1)
	g.mustBe(t, "j", JobRunning, "")
	g.confirm("c3", "j", 0)
	g.mustBe(t, "j", JobSucceeded, "")
}

func TestInputHolders(t *testing.T) {
	g := gridOf()
	g.admit(Coordinator, "c2", "ops")
	g.submit("j", rangeSpec(2))
	for range 2 {
		g.apply(Command{Confirm: &ConfirmHeld{Coordinator: "c2", Inputs: []JobID{"j", "x"}}})
	}
	j := g.Jobs["j"]
	if j.InputCopies() != 1 || !g.HoldsInput(j, "c2") || g.HoldsInput(j, "c1") {
		t.Errorf("holders of the input %b", j.InputHolders)
	}
}
