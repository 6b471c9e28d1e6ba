package jobs

import "testing"

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
