package jobs

import (
	"strings"
	"testing"
	"time"

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
	return Command{Keep: &KeepBlob{Blob: corpus, Name: "corpus", By: by, Provider: "h:1", Room: 1 << 30}}
}

func TestABlobIsKeptUntilNobodyClaimsIt(t *testing.T) {
	s := keepers()
	for _, by := range []NodeID{"sue", "sue2", "tom"} {
		if r := s.Apply(keep(by)).Rejection; r != nil {
			t.Fatal(r)
		}
	}
	if n := len(s.Datasets[corpus.ID].Claims); n != 2 {
		t.Fatalf("%d claims by two owners", n)
	}
	if r := s.Apply(Command{Drop: &DropBlob{Blob: corpus.ID, By: "sue"}}).Rejection; r != nil {
		t.Fatal(r)
	}
	if k := s.Datasets[corpus.ID]; k == nil || k.Claims[0].Owner != "tom" {
		t.Fatalf("it went with one of two claims, or the wrong one: %+v", k)
	}
	if r := s.Apply(Command{Drop: &DropBlob{Blob: corpus.ID, By: "sue2"}}).Rejection; r == nil || r.Reason != "NOT_YOUR_BLOB" {
		t.Errorf("an owner without a claim dropped it: %v", r)
	}
	s.Apply(Command{Drop: &DropBlob{Blob: corpus.ID, By: "tom"}})
	if s.Datasets[corpus.ID] != nil {
		t.Error("nobody claims it, and it is still there")
	}
}

func TestAnOperatorDropsAnyBlob(t *testing.T) {
	s := keepers()
	s.Apply(keep("sue"))
	s.Apply(keep("tom"))
	if r := s.Apply(Command{Drop: &DropBlob{Blob: corpus.ID, By: "op"}}).Rejection; r != nil || len(s.Datasets) != 0 {
		t.Errorf("%v, %v", r, s.Datasets)
	}
}

func TestCopiesOfAKeptBlobAreCountedOnce(t *testing.T) {
	s := keepers()
	s.Apply(keep("sue"))
	k := s.Datasets[corpus.ID]
	s.Apply(Command{Confirm: &ConfirmHeld{Coordinator: "c1", Blobs: []blob.ID{corpus.ID}}})
	if k.Copies() != 0 {
		t.Error("a copy counts whose size is not known")
	}
	s.Apply(Command{Confirm: &ConfirmHeld{Coordinator: "c1", Sizes: []blob.Ref{corpus}}})
	for _, step := range []struct {
		by   NodeID
		want int
	}{{"c1", 1}, {"c1", 1}, {"c2", 2}} {
		s.Apply(Command{Confirm: &ConfirmHeld{Coordinator: step.by, Blobs: []blob.ID{corpus.ID, {9}}}})
		if k.Copies() != step.want || !s.HoldsDataset(k, step.by) {
			t.Errorf("after %s: %d copies, want %d", step.by, k.Copies(), step.want)
		}
	}
}

func TestEachClaimHasItsProvider(t *testing.T) {
	s := keepers()
	for _, step := range []struct {
		by   NodeID
		at   string
		want string
	}{{"sue", "s:1", "s:1"}, {"tom", "t:1", "s:1 t:1"}, {"sue2", "s:2", "s:2 t:1"}, {"tom", "", "s:2 t:1"}} {
		s.Apply(Command{Keep: &KeepBlob{Blob: corpus, By: step.by, Provider: step.at, Room: 1 << 30}})
		var got []string
		for _, from := range s.Datasets[corpus.ID].Providers() {
			got = append(got, from.Address)
		}
		if strings.Join(got, " ") != step.want {
			t.Errorf("after %s at %q it is at %q, want %q", step.by, step.at, got, step.want)
		}
	}
}

func TestClaimsOfABlobAreBounded(t *testing.T) {
	s := keepers()
	s.Apply(keep("sue"))
	for len(s.Datasets[corpus.ID].Claims) < maxClaims {
		s.Datasets[corpus.ID].claim(Claim{Owner: OwnerID(rune('a' + len(s.Datasets[corpus.ID].Claims))), Size: corpus.Size})
	}
	if r := s.Apply(keep("tom")).Rejection; r == nil || r.Reason != "TOO_MANY_CLAIMS" {
		t.Errorf("one more: %v", r)
	}
	if r := s.Apply(keep("sue")).Rejection; r != nil {
		t.Errorf("the same again: %v", r)
	}
}

// TestWrongSizesCostTheClaim has tom say that sue's blob is smaller than it is.
func TestWrongSizesCostTheClaim(t *testing.T) {
	s := keepers()
	small := corpus
	small.Size = 1
	lie := Command{Keep: &KeepBlob{Blob: small, By: "tom", Room: 1 << 30}}
	for _, c := range []Command{lie, keep("sue")} {
		if r := s.Apply(c).Rejection; r != nil {
			t.Fatalf("an honest claim is locked out: %v", r)
		}
	}
	if k := s.Datasets[corpus.ID]; k.Size != corpus.Size || k.Known {
		t.Errorf("of two sizes %d is taken for the true one", k.Size)
	}
	s.Apply(Command{Confirm: &ConfirmHeld{Coordinator: "c1", Sizes: []blob.Ref{corpus}}})
	if k := s.Datasets[corpus.ID]; len(k.Claims) != 1 || k.Claims[0].Owner != "sue" || k.Size != corpus.Size {
		t.Errorf("%+v", k)
	}
	if r := s.Apply(lie).Rejection; r == nil {
		t.Error("a size is claimed that is known to be wrong")
	}

	s = keepers()
	s.Apply(lie)
	s.Apply(Command{Confirm: &ConfirmHeld{Coordinator: "c1", Sizes: []blob.Ref{corpus}}})
	if len(s.Datasets) != 0 {
		t.Error("a blob stays that only a liar claimed")
	}
}

func TestKeepingIsRefused(t *testing.T) {
	full := keepers()
	for i := range maxDatasets {
		id := blob.ID{byte(i), byte(i >> 8), 1}
		full.Apply(Command{Keep: &KeepBlob{Blob: blob.Ref{ID: id, Size: 1}, By: "sue", Room: 1 << 30}})
	}
	with := func(change func(*KeepBlob)) Command {
		c := keep("sue")
		change(c.Keep)
		return c
	}
	s := keepers()
	s.Apply(keep("tom"))
	s.Apply(Command{Confirm: &ConfirmHeld{Coordinator: "c1", Sizes: []blob.Ref{corpus}}})
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

// TestClaimsOfWhatNeverComesEnd has sue claim a blob, and tom a little later.
func TestClaimsOfWhatNeverComesEnd(t *testing.T) {
	day := Time(claimTime.Milliseconds())
	later := func(c Command, at Time) Command {
		c.At = at
		return c
	}
	claimers := func(s *State) (list string) {
		if k := s.Datasets[corpus.ID]; k != nil {
			for _, o := range k.Owners() {
				list += string(o) + " "
			}
		}
		return list
	}
	expire := func(s *State, at Time) string {
		before, said := claimers(s), s.AnyExpired(at)
		s.Apply(Command{At: at, Expire: &ExpireLeases{}})
		if changed := claimers(s) != before; changed != said {
			t.Errorf("at %d: %v is said of whether claims end, and of %q are left %q", at, said, before, claimers(s))
		}
		return claimers(s)
	}
	for _, test := range []struct {
		name    string
		between []Command
		want    [3]string // after a day of sue's claim, of tom's and of the last
	}{
		{"nobody brings it", nil, [3]string{"tom ", "", ""}},
		{"sue goes on", []Command{later(keep("sue"), 500)}, [3]string{"sue tom ", "sue ", ""}},
		{"only its size is known", []Command{{Confirm: &ConfirmHeld{Coordinator: "c1", Sizes: []blob.Ref{corpus}}}}, [3]string{"tom ", "", ""}},
		{"it is here", []Command{{Confirm: &ConfirmHeld{Coordinator: "c1", Sizes: []blob.Ref{corpus}, Blobs: []blob.ID{corpus.ID}}}}, [3]string{"sue tom ", "sue tom ", "sue tom "}},
	} {
		s := keepers()
		s.Apply(later(keep("sue"), 100))
		s.Apply(later(keep("tom"), 200))
		for _, c := range test.between {
			s.Apply(c)
		}
		if got := expire(s, day+99); got != "sue tom " {
			t.Errorf("%s: within a day %q claim it", test.name, got)
		}
		for i, at := range []Time{day + 100, day + 200, day + 500} {
			if got := expire(s, at); got != test.want[i] {
				t.Errorf("%s: at %d %q claim it, want %q", test.name, at, got, test.want[i])
			}
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
		return s.Datasets[corpus.ID] != nil
	}
	lost := ConfirmHeld{Coordinator: "c1", Blobs: held.Blobs, Lost: true}
	at(0, Command{Confirm: &held})
	at(2*claimTime, Command{Confirm: &lost})
	if n := s.Datasets[corpus.ID].Copies(); n != 0 {
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
