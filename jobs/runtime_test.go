package jobs

import (
	"fmt"
	"testing"

	"github.com/anthill-grid/anthill/internal/blob"
)

// namers is a grid in which sue keeps the corpus, by the newest rules.
func namers(t *testing.T) *State {
	s := keepers()
	s.Apply(Command{Raise: &RaiseVersion{Version: LastVersion}})
	if r := s.Apply(keep("sue")).Rejection; r != nil {
		t.Fatal(r)
	}
	s.Apply(Command{Confirm: &ConfirmHeld{Coordinator: "c1", Proven: []ProvenBlobs{{Owner: "sue", Blobs: []blob.ID{corpus.ID}}}}})
	return s
}

func name(by NodeID, runtime string, id blob.ID) Command {
	return Command{Runtime: &NameRuntime{Name: runtime, Blob: id, By: by}}
}

func TestARuntimeIsItsOwnersUnlessAnOperatorNamesIt(t *testing.T) {
	s := namers(t)
	if r := s.Apply(name("sue2", "python", corpus.ID)).Rejection; r != nil {
		t.Fatal(r)
	}
	if s.Runtime("sue", "python") == nil || s.Runtime("tom", "python") != nil || s.IsRuntime("tom", corpus.ID) {
		t.Fatalf("sue's runtime is not hers alone: %+v", s.Runtimes)
	}
	other := blob.Ref{ID: blob.ID{8}, Size: 10}
	s.Apply(Command{Keep: &KeepBlob{Blob: other, By: "op", Room: 1 << 30}})
	if r := s.Apply(name("op", "python", other.ID)).Rejection; r != nil {
		t.Fatal(r)
	}
	if got := s.Runtime("tom", "python"); got == nil || got.Blob != other.ID || !s.IsRuntime("tom", other.ID) {
		t.Errorf("the grid's runtime is not tom's: %+v", got)
	}
	if got := s.Runtime("sue", "python"); got.Blob != corpus.ID {
		t.Errorf("the grid's runtime came before sue's: %+v", got)
	}
	s.Apply(name("sue", "python", blob.ID{}))
	if got := s.Runtime("sue", "python"); got == nil || got.Blob != other.ID {
		t.Errorf("sue took hers back, and has %+v", got)
	}
}

func TestARuntimeIsADatasetOfWhoNamesIt(t *testing.T) {
	s := namers(t)
	for _, c := range []struct {
		command Command
		reason  string
	}{
		{name("tom", "python", corpus.ID), "UNKNOWN_BLOB"},
		{name("sue", "python", blob.ID{9}), "UNKNOWN_BLOB"},
		{name("sue", "a b", corpus.ID), "INVALID_FIELD"},
		{name("eve", "python", corpus.ID), "UNKNOWN_NODE"},
		{name("sue", "python", blob.ID{}), "UNKNOWN_RUNTIME"},
	} {
		if r := s.Apply(c.command).Rejection; r == nil || r.Reason != c.reason {
			t.Errorf("%+v: %v, want %s", c.command.Runtime, r, c.reason)
		}
	}
	for i := range maxRuntimes {
		s.Apply(name("sue", fmt.Sprint("r", i), corpus.ID))
	}
	if r := s.Apply(name("sue", "more", corpus.ID)).Rejection; r == nil || r.Reason != "TOO_MANY_RUNTIMES" {
		t.Errorf("one too many: %v", r)
	}
	if r := s.Apply(name("sue", "r0", corpus.ID)).Rejection; r != nil {
		t.Errorf("one was to be replaced: %v", r)
	}
}

func TestANamedBlobIsNotDropped(t *testing.T) {
	s := namers(t)
	s.Apply(name("sue", "python", corpus.ID))
	for _, by := range []NodeID{"sue2", "op"} {
		if r := s.Apply(Command{Drop: &DropBlob{Blob: corpus.ID, By: by}}).Rejection; r == nil || r.Reason != "NAMED_BLOB" {
			t.Errorf("%s dropped a runtime: %v", by, r)
		}
	}
	s.Apply(name("sue", "python", blob.ID{}))
	if r := s.Apply(Command{Drop: &DropBlob{Blob: corpus.ID, By: "sue"}}).Rejection; r != nil || len(s.Datasets) != 0 {
		t.Errorf("%v, %v", r, s.Datasets)
	}
}

func TestToNameABlobIsNotToReadIt(t *testing.T) {
	s := namers(t)
	s.Apply(keep("tom"))
	if r := s.Apply(name("tom", "python", corpus.ID)).Rejection; r == nil || s.MayRead("tom", corpus.ID) || s.IsRuntime("tom", corpus.ID) {
		t.Errorf("tom may use what sue keeps, since he knows its id: %v", r)
	}
	s.Apply(Command{Confirm: &ConfirmHeld{Coordinator: "c1", Proven: []ProvenBlobs{{Owner: "tom", Blobs: []blob.ID{corpus.ID}}}}})
	if r := s.Apply(name("tom", "python", corpus.ID)).Rejection; r != nil {
		t.Fatal(r)
	}
	if !s.MayRead("tom", corpus.ID) || !s.IsRuntime("tom", corpus.ID) {
		t.Error("tom has proved to have it, and cannot read it")
	}
}

func TestOlderCoordinatorsGetNoRuntimes(t *testing.T) {
	s := keepers()
	s.Apply(keep("sue"))
	if r := s.Apply(name("sue", "python", corpus.ID)).Rejection; r == nil || len(s.Runtimes) > 0 {
		t.Errorf("%v, %+v", r, s.Runtimes)
	}
	if c := name("sue", "python", corpus.ID); c.Version() != VersionStrangers {
		t.Errorf("the command's version is %d", c.Version())
	}
}
