package keeper

import (
	"bytes"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/internal/lab/voter"
	"github.com/anthill-grid/anthill/internal/throttle"
	"github.com/anthill-grid/anthill/jobs"
)

// TestResultsThatNobodyHasAreComputedAgain but not before long.
func TestResultsThatNobodyHasAreComputedAgain(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	l.Admit(jobs.Worker, "w1")
	k := newKeeping(l, openStore(t, t.TempDir()))
	k.peer("w1")
	l.Submit("j", 1)
	l.Accept("j", 0, "w1", []byte("gone"))
	k.keepResults(t.Context())
	if c := k.courses["j"]; k.accepted("j") != 1 || len(c.open) != 1 || c.open[0].since.IsZero() {
		t.Fatalf("after the first miss: %d accepted, %+v", k.accepted("j"), c)
	}
	k.later("j")
	if k.accepted("j") != 0 {
		t.Error("the task is not computed again")
	}
	l.Accept("j", 0, "w1", []byte("gone"))
	k.has("gone")
	k.later("j")
	if l.JobState("j") != jobs.JobSucceeded {
		t.Error("the job does not end with the new result")
	}
}

// TestSlowUplinksAreWaitedForWhereNobodyElseComputes has a worker that hands out a piece
// with each try.
func TestSlowUplinksAreWaitedForWhereNobodyElseComputes(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	l.Admit(jobs.Worker, "w1")
	k := newKeeping(l, openStore(t, t.TempDir()))
	w1 := k.peer("w1")
	data := make([]byte, 4*blob.MinPiece)
	for i := range data {
		data[i] = byte(i>>10) ^ byte(i)
	}
	m := blob.Of(data)
	l.Submit("j", 1)
	l.Accept("j", 0, "w1", data)
	if err := w1.Begin(m); err != nil {
		t.Fatal(err)
	}
	k.keepResults(t.Context())
	for i := range 3 {
		if err := w1.WritePiece(m.ID(), i, data[m.PieceOffset(i):][:m.PieceLen(i)]); err != nil {
			t.Fatal(err)
		}
		k.laterWith("j", m.ID(), i+1)
		if c := k.courses["j"]; k.accepted("j") != 1 || c.open[0].come != int64(i+1)*blob.MinPiece {
			t.Fatalf("try %d: %d accepted, %+v", i, k.accepted("j"), c.open[0])
		}
	}
	k.later("j")
	k.later("j")
	if k.accepted("j") != 0 {
		t.Error("it waits for ever for the last piece")
	}
}

// TestPieceThatTakesLongerThanATurnComes, and meanwhile nobody takes it for missing and
// other jobs have their turn.
func TestPieceThatTakesLongerThanATurnComes(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	l.Admit(jobs.Worker, "w1", "w2")
	k := newKeeping(l, openStore(t, t.TempDir()))
	k.turn = 300 * slack * time.Millisecond
	slow, fast := k.peerOn("w1", throttle.Limits{Up: 120_000 / slack}), k.peer("w2")
	large, other := bytes.Repeat([]byte("slow "), blob.MinPiece/5+1), bytes.Repeat([]byte("fast "), blob.MinPiece/5+1)
	put(t, slow, large)
	put(t, fast, other)
	l.Submit("slow", 1)
	l.Submit("fast", 1)
	l.Accept("slow", 0, "w1", large)
	l.Accept("fast", 0, "w2", other)
	turns, began := 0, time.Now()
	for l.JobState("slow") != jobs.JobSucceeded {
		if turns++; turns == 1 {
			k.keepResults(t.Context())
		} else {
			k.later("slow")
		}
		if c := k.courses["slow"]; k.accepted("slow") != 1 || time.Since(began) > 60*time.Second {
			t.Fatalf("turn %d: %d accepted, %+v", turns, k.accepted("slow"), c)
		}
	}
	if l.JobState("fast") != jobs.JobSucceeded {
		t.Error("the other job has to wait")
	}
	if came := k.cfg.Swarm.Progress(blob.ID{}).Received; turns < 3 || came != int64(len(large)+len(other)) {
		t.Errorf("%d turns, %d bytes came", turns, came)
	}
}

// TestWhatComesToAnotherIsNotMissing: a coordinator that cannot reach a worker gets the
// pieces from one that can, and so does not have the task computed again meanwhile.
func TestWhatComesToAnotherIsNotMissing(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	l.Admit(jobs.Worker, "unreachable")
	l.Admit(jobs.Coordinator, "c2")
	k := newKeeping(l, openStore(t, t.TempDir()))
	c2 := k.peer("c2")
	data := bytes.Repeat([]byte("01234567"), blob.MinPiece/2)
	m := blob.Of(data)
	l.Submit("j", 1)
	l.Accept("j", 0, "unreachable", data)
	k.keepResults(t.Context())
	if err := c2.Begin(m); err != nil {
		t.Fatal(err)
	}
	for i := range len(m.Pieces) {
		if err := c2.WritePiece(m.ID(), i, data[m.PieceOffset(i):][:m.PieceLen(i)]); err != nil {
			t.Fatal(err)
		}
		k.laterWith("j", m.ID(), i+1)
		if n := k.accepted("j"); n != 1 {
			t.Fatalf("%d results are left when %d pieces have come to another coordinator", n, i+1)
		}
	}
	if !k.cfg.Store.Complete(m.ID()) {
		t.Error("the result did not come")
	}
}

// TestResultsOfAnotherSizeAreNotCopied: a worker that says that a result is small must
// not fill the coordinators' disks.
func TestResultsOfAnotherSizeAreNotCopied(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	l.Admit(jobs.Worker, "w1")
	k := newKeeping(l, openStore(t, t.TempDir()))
	huge := put(t, k.peer("w1"), bytes.Repeat([]byte("huge"), blob.MinPiece))
	l.Submit("j", 1)
	l.Grant(1, "j", 0, "w1", time.Minute)
	said := blob.Ref{ID: huge.ID, Size: blob.MinPiece + 1}
	l.Do(jobs.Command{Report: &jobs.ReportAttempts{Reports: []jobs.Report{{Lease: 1, Worker: "w1", Status: jobs.Succeeded, Output: said}}}})
	k.keepResults(t.Context())
	if _, have, err := k.cfg.Store.Have(huge.ID); err != nil || have.Count() != 0 {
		t.Errorf("%d pieces were copied, %v", have.Count(), err)
	}
	k.later("j")
	if l.JobState("j") != jobs.JobRunning || k.accepted("j") != 0 {
		t.Error("the task is not computed again")
	}
}

func TestResultsOfAMomentAgoHaveTheirTime(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	l.Admit(jobs.Worker, "w1", "w2")
	k := newKeeping(l, openStore(t, t.TempDir()))
	k.peer("w1")
	k.peer("w2")
	l.Submit("j", 3)
	l.Accept("j", 0, "w1", []byte("withheld"))
	k.keepResults(t.Context())
	l.Accept("j", 1, "w2", []byte("a moment ago"))
	k.later("j")
	if n := k.accepted("j"); n != 1 {
		t.Errorf("%d results are left, want that of a moment ago", n)
	}
	k.later("j")
	if n := k.accepted("j"); n != 0 {
		t.Error("it stays for ever")
	}
}

// TestNobodyIsBlamedForTroubleAtHome: for a disk that cannot be written, or a line
// that may carry no more.
func TestNobodyIsBlamedForTroubleAtHome(t *testing.T) {
	t.Parallel()
	small, large := []byte("small result"), bytes.Repeat([]byte("large "), 100_000)
	for name, data := range map[string][]byte{"small": small, "large": large, "spent": []byte("withheld")} {
		l := voter.New(t)
		l.Admit(jobs.Worker, "w1")
		dir := t.TempDir()
		store, err := blobstore.Open(blobstore.Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		k := newKeeping(l, store)
		w1 := k.peer("w1")
		l.Submit("j", 1)
		l.Accept("j", 0, "w1", data)
		if name == "spent" {
			k.cfg.Spent = func() error { return errors.New("no traffic is left") }
		} else {
			put(t, w1, data)
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(dir, nil, 0o600); err != nil { // even for root nothing can be made in it
				t.Fatal(err)
			}
		}
		k.keepResults(t.Context())
		k.later("j")
		k.later("j")
		if k.accepted("j") != 1 || k.home.pause != 4*retryMin {
			t.Errorf("%s: %d accepted, left alone for %v", name, k.accepted("j"), k.home.pause)
		}
	}
}

// TestNobodyHearsOfWhatIsNotComputedAgain: of results of finished jobs, and of those
// that a coordinator holds.
func TestNobodyHearsOfWhatIsNotComputedAgain(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	l.Admit(jobs.Worker, "w1")
	l.Admit(jobs.Coordinator, "c2")
	k := newKeeping(l, openStore(t, t.TempDir()))
	k.peer("w1")
	k.peer("c2")
	for _, id := range []jobs.JobID{"over", "held"} {
		l.Submit(id, 2)
		l.Accept(id, 0, "w1", []byte("gone"))
	}
	l.Do(jobs.Command{Cancel: &jobs.CancelJob{Job: "over", By: "op"}})
	l.Do(jobs.Command{Confirm: &jobs.ConfirmHeld{Coordinator: "c2", Results: []jobs.HeldResults{{Job: "held", Sequences: []jobs.Sequence{0}}}}})
	k.keepResults(t.Context())
	k.later("over")
	k.later("held")
	if n := k.confirms.Load(); n != 0 {
		t.Errorf("%d commands that change nothing", n)
	}
}
