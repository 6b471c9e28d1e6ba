package jobs

import "testing"

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
