package keeper

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/internal/lab/voter"
	"github.com/anthill-grid/anthill/jobs"
)

func TestKeeperTakesResultsFromReportsAndPeers(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	l.Admit(jobs.Worker, "w1", "w2")
	k := newKeeping(l, openStore(t, t.TempDir()))
	w1, w2 := k.peer("w1"), k.peer("w2")
	large := bytes.Repeat([]byte("large "), 100_000)
	l.Submit("j", 5)
	reported := l.Accept("j", 0, "w1", []byte("reported"))
	k.has("reported")
	refs := []blob.Ref{
		reported, l.Accept("j", 1, "w1", []byte("of w1")), l.Accept("j", 2, "w2", []byte("of w2")),
		l.Accept("j", 3, "w1", nil), l.Accept("j", 4, "w2", large),
	}
	put(t, w1, []byte("of w1"))
	put(t, w2, []byte("of w2"))
	put(t, w2, large)
	k.keepResults(t.Context())
	for i, ref := range refs {
		data, here := k.Result(ref)
		if !here || ref.Size <= blob.MinPiece && blob.Of(data).Ref() != ref {
			t.Errorf("result %d: here %v, %q", i, here, data)
		}
	}
	if data, _ := k.Result(refs[4]); data != nil {
		t.Error("a large result comes as a whole")
	}
	if state := l.JobState("j"); state != jobs.JobSucceeded {
		t.Errorf("the job is %v after its results are held", state)
	}
	k.keepResults(t.Context())
	if n := k.confirms.Load(); n > 4 {
		t.Errorf("%d confirmations, want one for what was here, one for each batch and one for the large one", n)
	}
}

func TestKeeperTriesAgainAndGoesOnWithOtherJobs(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	l.Admit(jobs.Worker, "w1")
	k := newKeeping(l, openStore(t, t.TempDir()))
	w1 := k.peer("w1")
	l.Submit("a", 2)
	l.Submit("b", 1)
	lost := l.Accept("a", 0, "w1", []byte("not there yet"))
	l.Accept("a", 1, "w1", []byte("there"))
	l.Accept("b", 0, "w1", []byte("of b"))
	put(t, w1, []byte("there"))
	put(t, w1, []byte("of b"))
	k.keepResults(t.Context())
	if l.JobState("b") != jobs.JobSucceeded {
		t.Error("a job waits for another's result")
	}
	c := k.courses["a"]
	if _, here := k.Result(lost); here || c.cursor != 2 || len(c.open) != 1 || c.open[0].pause != retryMin {
		t.Errorf("after a miss: here %v, progress %+v", here, c)
	}
	for range 8 { // nothing comes of it
		k.again("a")
		k.keepResults(t.Context())
	}
	if p := c.open[0].pause; p != retryMax {
		t.Errorf("pause %v after eight misses, want %v", p, retryMax)
	}
	put(t, w1, []byte("not there yet"))
	k.keepResults(t.Context())
	if _, here := k.Result(lost); here {
		t.Error("it did not leave alone what it could not get")
	}
	k.again("a")
	k.keepResults(t.Context())
	if l.JobState("a") != jobs.JobSucceeded {
		t.Error("the result was not fetched when it was there again")
	}
}

// TestWhatIsWithheldHoldsUpNothingAfterIt, however much that is.
func TestWhatIsWithheldHoldsUpNothingAfterIt(t *testing.T) {
	t.Parallel()
	for size, withheld := range map[int]int{10: 2*maxBatch + 3, blob.MinPiece + 10: 2*maxWidth + 3} {
		l := voter.New(t)
		l.Admit(jobs.Worker, "w1", "w2")
		k := newKeeping(l, openStore(t, t.TempDir()))
		k.peer("w1")
		w2 := k.peer("w2")
		l.Submit("j", 1000)
		result := func(i int) []byte { return append(make([]byte, size), fmt.Sprint(i)...) }
		for i := range withheld {
			l.Accept("j", jobs.Place(i), "w1", result(i))
		}
		l.Accept("j", jobs.Place(withheld), "w2", result(withheld))
		put(t, w2, result(withheld))
		for range 4 {
			k.keepResults(t.Context())
		}
		if !slices.Equal(k.held, []jobs.Sequence{jobs.Sequence(withheld)}) {
			t.Errorf("of %d results of %d bytes: held %v, want the last alone", withheld+1, size, k.held)
		}
		for range 4 { // those that were behind first must not stay for ever in the way of the rest
			k.later("j")
		}
		if n := k.accepted("j"); n != 1 {
			t.Errorf("%d results are left, want that which is held", n)
		}
		k.later("j")
		if n := len(k.courses["j"].open); n != 0 {
			t.Errorf("%d results are behind that nobody wants any more", n)
		}
	}
}

// TestRewindForgetsNothing of what is behind, and tries nothing twice.
func TestRewindForgetsNothing(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	l.Admit(jobs.Worker, "w1")
	k := newKeeping(l, openStore(t, t.TempDir()))
	k.peer("w1")
	l.Submit("j", 3)
	for i, data := range []string{"first", "second", "third"} {
		l.Accept("j", jobs.Place(i), "w1", []byte(data))
	}
	k.has("second")
	k.keepResults(t.Context())
	k.rewind("j", 1)
	k.keepResults(t.Context())
	var behind []jobs.Sequence
	for _, e := range k.courses["j"].open {
		behind = append(behind, e.sequence)
	}
	if !slices.Equal(behind, []jobs.Sequence{0, 2}) {
		t.Errorf("behind are %v, want the first and the third", behind)
	}
}

func TestKeeperConfirmsAgainWhatTheLeaderDidNotHear(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	l.Admit(jobs.Worker, "w1")
	k := newKeeping(l, openStore(t, t.TempDir()))
	l.Submit("j", 1)
	l.Accept("j", 0, "w1", []byte("x"))
	k.has("x")
	k.failing.Store(1)
	k.keepResults(t.Context())
	if l.JobState("j") == jobs.JobSucceeded {
		t.Fatal("succeeded without a confirmation")
	}
	k.again("j")
	k.keepResults(t.Context())
	if l.JobState("j") != jobs.JobSucceeded {
		t.Error("it did not confirm again")
	}
}

func TestKeeperAfterARestart(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	l.Admit(jobs.Worker, "w1")
	l.Admit(jobs.Coordinator, "c2")
	dir := t.TempDir()
	store, err := blobstore.Open(blobstore.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	k := newKeeping(l, store)
	l.Submit("j", 2)
	kept := l.Accept("j", 0, "w1", []byte("kept"))
	l.Accept("j", 1, "w1", []byte("rotten"))
	k.has("kept", "rotten")
	k.keepResults(t.Context())
	l.Do(jobs.Command{Confirm: &jobs.ConfirmHeld{Coordinator: "c2", Results: []jobs.HeldResults{{Job: "j", Sequences: []jobs.Sequence{0, 1}}}}})
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}

	store = openStore(t, dir)
	if err := store.Delete(blob.Of([]byte("rotten")).ID()); err != nil {
		t.Fatal(err)
	}
	k = newKeeping(l, store)
	put(t, k.peer("c2"), []byte("rotten"))
	k.keepResults(t.Context())
	if n := k.confirms.Load(); n != 1 {
		t.Errorf("%d confirmations, want one, of what was fetched again", n)
	}
	if err := store.Delete(kept.ID); !errors.Is(err, blobstore.ErrPinned) {
		t.Errorf("delete a result of before the restart: %v, want it pinned", err)
	}
	if !store.Complete(blob.Of([]byte("rotten")).ID()) {
		t.Error("a result that the disk lost was not fetched again")
	}
}

// accepted makes data the result of a place, as if by a verdict, and without
// data takes its result back. Nobody else may look at the state meanwhile.
func accepted(l *voter.Voter, id jobs.JobID, place jobs.Place, data string, by ...jobs.NodeID) {
	l.View(func(s *jobs.State) {
		j := s.Jobs[id]
		if data == "" {
			j.Closed[place] = jobs.ClosedTask{}
			delete(j.Unheld, place)
			return
		}
		j.Closed[place] = jobs.ClosedTask{Output: blob.Of([]byte(data)).Ref(), Sequence: jobs.Sequence(len(j.Order))}
		j.Order = append(j.Order, place)
		j.Unheld[place] = by
	})
}

func TestKeeperPassesOverStaleResults(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	l.Admit(jobs.Worker, "w1", "w2")
	k := newKeeping(l, openStore(t, t.TempDir()))
	w2 := k.peer("w2")
	l.Submit("j", 3)
	wrong := l.Accept("j", 0, "w1", []byte("wrong, and gone with the liar"))
	retaken := l.Accept("j", 1, "w1", []byte("taken back"))
	accepted(l, "j", 0, "right", "w2")
	accepted(l, "j", 1, "")
	put(t, w2, []byte("right"))
	k.keepResults(t.Context())
	if c := k.courses["j"]; c.cursor != 3 || len(c.open) != 0 {
		t.Errorf("progress %+v: it waits for a result that nobody wants", c)
	}
	if _, here := k.Result(blob.Of([]byte("right")).Ref()); !here {
		t.Error("the result that counts was not copied")
	}
	for _, ref := range []blob.Ref{wrong, retaken} {
		if _, here := k.Result(ref); here {
			t.Errorf("a stale result was copied")
		}
	}
	if !slices.Equal(k.held, []jobs.Sequence{2}) {
		t.Errorf("the sequences %v were confirmed, want the last alone", k.held)
	}
}

// What replaces a result that was copied already is copied too.
func TestKeeperCopiesTheResultThatReplacesAnother(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	l.Admit(jobs.Worker, "w1", "w2")
	k := newKeeping(l, openStore(t, t.TempDir()))
	w2 := k.peer("w2")
	l.Submit("j", 2)
	l.Accept("j", 0, "w1", []byte("wrong"))
	k.has("wrong")
	k.keepResults(t.Context())
	accepted(l, "j", 0, "right", "w2")
	k.keepResults(t.Context())
	holds := func() (yes bool) {
		l.View(func(s *jobs.State) { yes = s.Holds(s.Jobs["j"], 0, "c1") })
		return yes
	}
	if holds() {
		t.Fatal("it confirms what it has not got")
	}
	put(t, w2, []byte("right"))
	k.again("j")
	k.keepResults(t.Context())
	if _, here := k.Result(blob.Of([]byte("right")).Ref()); !here || !holds() {
		t.Errorf("here %v, confirmed %v", here, holds())
	}
}

// TestWhatWasTakenBackMayGo: otherwise each liar leaves its large results on all disks.
func TestWhatWasTakenBackMayGo(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	l.Admit(jobs.Worker, "w1", "w2")
	k := newKeeping(l, openStore(t, t.TempDir()))
	w1, w2 := k.peer("w1"), k.peer("w2")
	wrong, right := bytes.Repeat([]byte("wrong"), blob.MinPiece), bytes.Repeat([]byte("right"), blob.MinPiece)
	l.Submit("j", 2)
	put(t, w1, wrong)
	put(t, w2, right)
	l.Accept("j", 0, "w1", wrong)
	k.keepResults(t.Context())
	id := blob.Of(wrong).ID()
	if err := k.cfg.Store.Delete(id); !errors.Is(err, blobstore.ErrPinned) {
		t.Errorf("delete a result that counts: %v", err)
	}
	k.rewind("j", 0) // what is looked at twice is no more pinned than once
	k.keepResults(t.Context())
	accepted(l, "j", 0, string(right), "w2")
	k.keepResults(t.Context())
	if err := k.cfg.Store.Delete(id); err != nil {
		t.Errorf("delete a result that was taken back: %v", err)
	}
	if err := k.cfg.Store.Delete(blob.Of(right).ID()); !errors.Is(err, blobstore.ErrPinned) {
		t.Errorf("delete what replaced it: %v", err)
	}
}
