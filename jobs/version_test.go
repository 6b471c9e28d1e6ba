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
