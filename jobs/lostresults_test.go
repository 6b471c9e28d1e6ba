package jobs

import "testing"

// TestNoEvidenceIsForfeited has a liar that withholds the result it is accused of.
func TestNoEvidenceIsForfeited(t *testing.T) {
	g := gridOf("w1", "w2", "w3", "w4", "w5", "w6")
	g.submit("j", boundSpec(1, One/100))
	j := g.Jobs["j"]
	g.run("j", 0, "w1", "lie")
	g.run("j", 0, "w2", "truth")
	if n := j.Disputed(); n != 1 {
		t.Fatalf("%d tasks are disputed", n)
	}
	g.miss("c1", "j", 0)
	for _, w := range []string{"w3", "w4", "w5", "w6"} {
		if g.Owners["owner-w1"].Banned == "" {
			g.run("j", 0, w, "truth")
		}
	}
	if g.Owners["owner-w1"].Banned == "" || j.Disputed() != 0 {
		t.Error("the liar goes free")
	}
	if g.miss("c1", "j", 0); j.Accepted() != 0 {
		t.Error("after the dispute it is not computed again")
	}
}
