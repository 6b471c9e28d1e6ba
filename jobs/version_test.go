package jobs

import (
	"testing"
	"time"
)

func TestRulesAreRaisedAndNeverLowered(t *testing.T) {
	s := NewState()
	if s.Version() != FirstVersion || s.can(VersionInput) {
		t.Fatalf("a new state has version %d", s.Version())
	}
	for _, step := range []struct{ to, want Version }{{LastVersion, LastVersion}, {FirstVersion, LastVersion}, {0, LastVersion}} {
		s.Apply(Command{Raise: &RaiseVersion{Version: step.to}})
		if s.Version() != step.want {
			t.Errorf("raised to %d: version %d, want %d", step.to, s.Version(), step.want)
		}
	}
	if c := s.Clone(); c.Version() != LastVersion {
		t.Errorf("the copy has version %d", c.Version())
	}
}

func TestRulesOfTheFutureHaltTheReplica(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("applied")
		}
	}()
	NewState().Apply(Command{Raise: &RaiseVersion{Version: LastVersion + 1}})
}

// TestNewerRulesOfCountingFuelAreForNewerGrids: replicas of the version before refuse a job
// that wants these, and so must all, in the same words.
func TestNewerRulesOfCountingFuelAreForNewerGrids(t *testing.T) {
	g := oldGrid()
	g.admit(Submitter, "sub", "ann")
	spec := rangeSpec(1)
	spec.Metering = Metering
	out := g.submit("early", spec)
	const before = "this grid counts fuel by rules 1 to 2, the job wants 3"
	if r := out.Rejection; r == nil || r.Subject != "metering" || r.Message != before || g.Metering() != OldestMetering {
		t.Fatalf("rejection %+v, and the grid counts by rules %d", r, g.Metering())
	}
	g.apply(Command{Raise: &RaiseVersion{Version: VersionInput}})
	if out := g.submit("late", spec); out.Rejection != nil || g.Metering() != Metering {
		t.Errorf("rejection %v, and the grid counts by rules %d", out.Rejection, g.Metering())
	}
}

// TestOldRulesKnowNoSilence: replicas of the version before apply the same log.
func TestOldRulesKnowNoSilence(t *testing.T) {
	g := oldGrid()
	g.admit(Submitter, "sub", "ann")
	g.admit(Worker, "w1", "bob")
	g.submit("j", rangeSpec(1))
	g.run("j", 0, "w1", "starved")
	g.run("j", 0, "w1", "stopped")
	g.grant("j", 0, "w1", true)
	g.pass(time.Minute)
	g.expire()
	g.beat("w1")
	wantStates(t, g.Jobs["j"].Open[0], AttemptLost, AttemptLost, AttemptLost)
	if r := g.Nodes["w1"].Reliability; g.Jobs["j"].Attempts.Lost != 3 || r > 7*One/10 {
		t.Errorf("lost %d, reliability %v", g.Jobs["j"].Attempts.Lost, r)
	}
}
