package jobs

import (
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
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

// A dataset whose last copy is lost is not forgotten before the day is over that its
// claims have for bringing it again.
func TestADayToBringALostDatasetAgain(t *testing.T) {
	s := keepers()
	s.Apply(keep("sue"))
	held := ConfirmHeld{Coordinator: "c1", Blobs: []blob.ID{corpus.ID}, Sizes: []blob.Ref{corpus}}
	at := func(d time.Duration, c Command) bool {
		c.At = Time(1).Add(d)
		s.Apply(c)
		return s.Blobs[corpus.ID] != nil
	}
	lost := ConfirmHeld{Coordinator: "c1", Blobs: held.Blobs, Lost: true}
	at(0, Command{Confirm: &held})
	at(2*claimTime, Command{Confirm: &lost})
	if n := s.Blobs[corpus.ID].Copies(); n != 0 {
		t.Errorf("%d copies, and the only one is lost", n)
	}
	if !at(2*claimTime+time.Hour, Command{Expire: &ExpireLeases{}}) {
		t.Fatal("it is forgotten at once")
	}
	at(2*claimTime+time.Hour, Command{Confirm: &lost}) // nothing is lost twice
	if at(3*claimTime, Command{Expire: &ExpireLeases{}}) {
		t.Error("it is not forgotten after a day")
	}
}

// TestNoEvidenceIsForfeited has a liar who withholds the result that he is accused of.
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
