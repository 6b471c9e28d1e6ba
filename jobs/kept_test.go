package jobs

import (
	"strings"
	"testing"

	"github.com/anthill-grid/anthill/internal/blob"
)

// keepers is a grid with two submitters of different owners, and two
// coordinators.
func keepers() *State {
	s := NewState()
	s.Apply(Command{At: 1, Found: &FoundGrid{Grid: "g", Coordinator: "c1", Operator: "op"}})
	for i, m := range []struct {
		node  NodeID
		role  Role
		owner OwnerID
	}{{"c2", Coordinator, "ops"}, {"sue", Submitter, "sue"}, {"sue2", Submitter, "sue"}, {"tom", Submitter, "tom"}} {
		token := TokenID(strings.Repeat("t", i+1))
		s.Apply(Command{At: 1, CreateToken: &CreateToken{Token: token, Role: m.role, Expires: 100, Uses: 1, Owner: m.owner}})
		s.Apply(Command{At: 1, Admit: &AdmitNode{Token: token, Node: m.node, Role: m.role}})
	}
	return s
}

var corpus = blob.Ref{ID: blob.ID{7}, Size: 1000}

func keep(by NodeID) Command {
	return Command{Keep: &KeepBlob{Blob: corpus, Name: "corpus", By: by, Provider: "h:1"}}
}

func TestABlobIsKeptUntilNobodyClaimsIt(t *testing.T) {
	s := keepers()
	for _, by := range []NodeID{"sue", "sue2", "tom"} {
		if r := s.Apply(keep(by)).Rejection; r != nil {
			t.Fatal(r)
		}
	}
	if n := len(s.Blobs[corpus.ID].Claims); n != 2 {
		t.Fatalf("%d claims by two owners", n)
	}
	if r := s.Apply(Command{Drop: &DropBlob{Blob: corpus.ID, By: "sue"}}).Rejection; r != nil {
		t.Fatal(r)
	}
	if k := s.Blobs[corpus.ID]; k == nil || k.Claims[0].Owner != "tom" {
		t.Fatalf("it went with one of two claims, or the wrong one: %+v", k)
	}
	if r := s.Apply(Command{Drop: &DropBlob{Blob: corpus.ID, By: "sue2"}}).Rejection; r == nil || r.Reason != "NOT_YOUR_BLOB" {
		t.Errorf("an owner without a claim dropped it: %v", r)
	}
	s.Apply(Command{Drop: &DropBlob{Blob: corpus.ID, By: "tom"}})
	if s.Blobs[corpus.ID] != nil {
		t.Error("nobody claims it, and it is still there")
	}
}

func TestAnOperatorDropsAnyBlob(t *testing.T) {
	s := keepers()
	s.Apply(keep("sue"))
	s.Apply(keep("tom"))
	if r := s.Apply(Command{Drop: &DropBlob{Blob: corpus.ID, By: "op"}}).Rejection; r != nil || len(s.Blobs) != 0 {
		t.Errorf("%v, %v", r, s.Blobs)
	}
}

func TestCopiesOfAKeptBlobAreCountedOnce(t *testing.T) {
	s := keepers()
	s.Apply(keep("sue"))
	k := s.Blobs[corpus.ID]
	for _, step := range []struct {
		by   NodeID
		want int
	}{{"c1", 1}, {"c1", 1}, {"c2", 2}} {
		s.Apply(Command{Confirm: &ConfirmHeld{Coordinator: step.by, Blobs: []blob.ID{corpus.ID, {9}}}})
		if k.Copies() != step.want || !s.HoldsBlob(k, step.by) {
			t.Errorf("after %s: %d copies, want %d", step.by, k.Copies(), step.want)
		}
	}
}

func TestKeepingIsRefused(t *testing.T) {
	full := keepers()
	for i := range maxKept {
		id := blob.ID{byte(i), byte(i >> 8), 1}
		full.Apply(Command{Keep: &KeepBlob{Blob: blob.Ref{ID: id, Size: 1}, By: "sue"}})
	}
	with := func(change func(*KeepBlob)) Command {
		c := keep("sue")
		change(c.Keep)
		return c
	}
	s := keepers()
	s.Apply(keep("tom"))
	for _, c := range []struct {
		name    string
		state   *State
		command Command
		want    string
	}{
		{"strangers", s, with(func(k *KeepBlob) { k.By = "nobody" }), "UNKNOWN_NODE"},
		{"no blob", s, with(func(k *KeepBlob) { k.Blob.ID = blob.ID{} }), "INVALID_FIELD"},
		{"another size", s, with(func(k *KeepBlob) { k.Blob.Size++ }), "INVALID_FIELD"},
		{"a name of two lines", s, with(func(k *KeepBlob) { k.Name = "a\nb" }), "INVALID_FIELD"},
		{"too many", full, with(func(*KeepBlob) {}), "TOO_MANY_BLOBS"},
		{"another owner's many", full, keep("tom"), ""},
		{"one that is not kept", s, Command{Drop: &DropBlob{Blob: blob.ID{3}, By: "sue"}}, "UNKNOWN_BLOB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ""
			if r := c.state.Apply(c.command).Rejection; r != nil {
				got = r.Reason
			}
			if got != c.want {
				t.Errorf("rejected for %q, want %q", got, c.want)
			}
		})
	}
}
