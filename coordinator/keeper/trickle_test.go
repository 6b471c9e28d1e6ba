package keeper

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/lab/voter"
	"github.com/anthill-grid/anthill/internal/throttle"
	"github.com/anthill-grid/anthill/jobs"
)

// newRules brings the newest rules into force.
func newRules(l *voter.Voter) {
	l.Do(jobs.Command{Raise: &jobs.RaiseVersion{Version: jobs.LastVersion}})
}

// patient has the keeper judge after a fraction of the usual time, and as often.
func (k *keeping) patient(d time.Duration) {
	d *= slack
	k.least, k.every = d, d/10
}

// steps takes steps until something is done, as Run does.
func (k *keeping) steps(what string, done func() bool) {
	k.lab.Helper()
	voter.Until(k.lab, what, func() bool {
		k.Keeper.keepResults(k.lab.Context())
		return done()
	})
}

// TestWhatTricklesIsComputedAgain by others, with no blame for a slow line: however slow
// it is, and if nothing comes at all.
func TestWhatTricklesIsComputedAgain(t *testing.T) {
	t.Parallel()
	for name, up := range map[string]int64{"10 B/s": 10, "1 KiB/s": 1 << 10, "8 KiB/s": 8 << 10, "stalls": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := voter.New(t)
			newRules(l)
			l.Admit(jobs.Worker, "slow", "fast")
			k := newKeeping(l, openStore(t, t.TempDir()))
			k.patient(2 * time.Second)
			line := k.peerOn("slow", throttle.Limits{Up: up})
			fast := k.peer("fast")
			data := bytes.Repeat([]byte("12345678"), 3*blob.MinPiece/8)
			if up > 0 {
				put(t, line, data)
			}
			l.Submit("j", 1)
			l.Accept("j", 0, "slow", data)
			k.steps("it is taken back", func() bool { return k.accepted("j") == 0 })
			l.View(func(s *jobs.State) {
				j := s.Jobs["j"]
				if n := s.Nodes["slow"].Reliability; n != jobs.One {
					t.Errorf("the slow worker stumbled: reliability %v", n)
				}
				if e := j.Events[len(j.Events)-1]; e.Kind != jobs.EventReopened || !strings.Contains(e.Text, "the line of slow is too slow") {
					t.Errorf("the last event is %+v", e)
				}
				if s.MayAttempt(j, j.Open[0], "slow", "slow", false) || !s.MayAttempt(j, j.Open[0], "fast", "fast", false) {
					t.Error("it is not for others to compute")
				}
			})
			put(t, fast, data)
			l.Accept("j", 0, "fast", data)
			k.steps("the other's result is here", func() bool { return l.JobState("j") == jobs.JobSucceeded })
			if n := len(k.copies); n != 0 {
				t.Errorf("%d results are still on their way", n)
			}
		})
	}
}

// TestPiecesOfWhatWasTakenBackCount: whoever computes it again has to send only the rest.
func TestPiecesOfWhatWasTakenBackCount(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	newRules(l)
	l.Admit(jobs.Worker, "stalling", "other")
	k := newKeeping(l, openStore(t, t.TempDir()))
	k.patient(time.Second)
	stalling, other := k.peer("stalling"), k.peer("other")
	data := bytes.Repeat([]byte("abcdefgh"), blob.MinPiece/2)
	m := blob.Of(data)
	if err := stalling.Begin(m); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		if err := stalling.WritePiece(m.ID(), i, data[m.PieceOffset(i):][:m.PieceLen(i)]); err != nil {
			t.Fatal(err)
		}
	}
	l.Submit("j", 1)
	l.Accept("j", 0, "stalling", data)
	k.steps("it is taken back", func() bool { return k.accepted("j") == 0 })
	if _, have, err := k.cfg.Store.Have(m.ID()); err != nil || have.Count() != 2 {
		t.Fatalf("%d pieces are here, %v", have.Count(), err)
	}
	before := k.cfg.Swarm.Progress(blob.ID{}).Received
	put(t, other, data)
	l.Accept("j", 0, "other", data)
	k.steps("the rest is here", func() bool { return l.JobState("j") == jobs.JobSucceeded })
	if came := k.cfg.Swarm.Progress(blob.ID{}).Received - before; came >= int64(len(data)) {
		t.Errorf("%d bytes came, want no more than what was missing", came)
	}
}

// TestWhatWentWithItsHoldersIsComputedAgain: with the worker that made it, and with the
// only coordinator that had it.
func TestWhatWentWithItsHoldersIsComputedAgain(t *testing.T) {
	t.Parallel()
	for _, held := range []bool{false, true} {
		l := voter.New(t)
		newRules(l)
		l.Admit(jobs.Worker, "w1", "w2")
		l.Admit(jobs.Coordinator, "c2", "c3")
		k := newKeeping(l, openStore(t, t.TempDir()))
		k.patient(time.Second)
		k.peer("w2")
		l.Submit("j", 1)
		l.Accept("j", 0, "w1", []byte("gone"))
		if held {
			l.Do(jobs.Command{Confirm: &jobs.ConfirmHeld{Coordinator: "c2", Results: []jobs.HeldResults{{Job: "j", Sequences: []jobs.Sequence{0}}}}})
		}
		k.steps("it is taken back", func() bool { return k.accepted("j") == 0 })
		l.View(func(s *jobs.State) {
			if r := s.Nodes["w1"].Reliability; r >= jobs.One || r < jobs.One*7/8 {
				t.Errorf("held %v: the worker that is gone has a reliability of %v, want one stumble", held, r)
			}
		})
	}
}

// TestOneResultCannotBeWithheldBehindOthers: a worker that hands out all others, without
// end, has to hand out this one too.
func TestOneResultCannotBeWithheldBehindOthers(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	newRules(l)
	l.Admit(jobs.Worker, "mean", "other")
	k := newKeeping(l, openStore(t, t.TempDir()))
	k.patient(2 * time.Second)
	mean := k.peer("mean")
	k.peer("other")
	l.Submit("held up", 1)
	l.Submit("endless", 100_000)
	l.Accept("held up", 0, "mean", bytes.Repeat([]byte("withheld"), blob.MinPiece))
	n := 0
	k.steps("it is taken back", func() bool {
		data := bytes.Repeat([]byte{byte(n), byte(n >> 8), 1}, blob.MinPiece)
		put(t, mean, data)
		l.Accept("endless", jobs.Place(n), "mean", data)
		n++
		return k.accepted("held up") == 0
	})
	if n := k.accepted("endless"); k.holds("endless") == 0 { // how many depends on the machine
		t.Errorf("of %d other results %d came", n, k.holds("endless"))
	}
}

// TestAQueueIsSharedWithOthers: a worker with a good line that has taken on too much
// keeps what it can send in time.
func TestAQueueIsSharedWithOthers(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	newRules(l)
	l.Admit(jobs.Worker, "busy", "idle")
	k := newKeeping(l, openStore(t, t.TempDir()))
	k.patient(2 * time.Second)
	busy := k.peerOn("busy", throttle.Limits{Up: 1 << 20})
	k.peer("idle")
	const many = 40
	l.Submit("j", many)
	for i := range many {
		data := bytes.Repeat([]byte{byte(i)}, 2*blob.MinPiece)
		put(t, busy, data)
		l.Accept("j", jobs.Place(i), "busy", data)
	}
	k.steps("the end of the queue is taken back", func() bool { return k.accepted("j") < many })
	if k.accepted("j") == 0 { // how many depends on the machine
		t.Errorf("of %d results of half a MiB at 1 MiB/s none is left to the worker", many)
	}
}
