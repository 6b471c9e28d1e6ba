package keeper

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/lab/voter"
	"github.com/anthill-grid/anthill/jobs"
)

// backlog makes results of a job that lie with w1, whatever they are.
func (k *keeping) backlog(id jobs.JobID, from *blobs, n int) {
	k.lab.Helper()
	for i := range n {
		data := fmt.Appendf(nil, "%s %d", id, i)
		from.add(data)
		if i == 0 { // the task is opened
			k.lab.Accept(id, 0, "w1", data)
			continue
		}
		k.lab.View(func(s *jobs.State) {
			j := s.Jobs[id]
			j.Closed = append(j.Closed, jobs.ClosedTask{Output: blob.Of(data).Ref(), Sequence: jobs.Sequence(len(j.Order))})
			j.Order, j.Next, j.Count = append(j.Order, jobs.Place(i)), j.Next+1, j.Count+1
			j.Unheld[jobs.Place(i)] = []jobs.NodeID{"w1"}
		})
	}
}

// blobs are put into a store together.
type blobs struct{ list [][]byte }

func (b *blobs) add(data []byte) { b.list = append(b.list, slices.Clone(data)) }

// TestDeadJobsWaitForTheLiving: results of a job that was cancelled or has failed are
// copied not at all, and those of one that runs at once, however many of the others are
// before them.
func TestDeadJobsWaitForTheLiving(t *testing.T) {
	t.Parallel()
	const many = 6000
	l := voter.New(t)
	l.Admit(jobs.Worker, "w1")
	l.Admit(jobs.Coordinator, "c2")
	k := newKeeping(l, openStore(t, t.TempDir()))
	w1 := k.peer("w1")
	results := &blobs{}
	for _, id := range []jobs.JobID{"a-cancelled", "b-failed", "running"} {
		l.Submit(id, many)
		n := many
		if id == "running" {
			n = 100
		}
		k.backlog(id, results, n)
	}
	if _, err := w1.PutMany(results.list); err != nil {
		t.Fatal(err)
	}
	l.Do(jobs.Command{Cancel: &jobs.CancelJob{Job: "a-cancelled", By: "op"}})
	l.Do(jobs.Command{Confirm: &jobs.ConfirmHeld{Coordinator: "c1", Refused: []jobs.RefusedJob{{Job: "b-failed", Reason: "no"}}}})
	k.steps("the running job's results are here", func() bool { return k.holds("running") == 100 })
	for range 10 {
		k.keepResults(t.Context())
	}
	if n := k.holds("a-cancelled") + k.holds("b-failed"); n != 0 {
		t.Errorf("%d results of jobs that came to nothing were copied", n)
	}
	k.Demand("b-failed")
	k.steps("what somebody asks for is copied after all", func() bool { return k.holds("b-failed") == many })
	if n := k.holds("a-cancelled"); n != 0 {
		t.Errorf("%d results were copied for which nobody asked", n)
	}
}

// holds is how many results of a job this coordinator has confirmed.
func (k *keeping) holds(id jobs.JobID) (n int) {
	k.lab.View(func(s *jobs.State) {
		j := s.Jobs[id]
		for place := range j.Next {
			if s.Holds(j, place, "c1") {
				n++
			}
		}
	})
	return n
}

// TestRunningJobsHaveTheirTurns: one with few results is not behind one with many, and
// one that has succeeded comes after both.
func TestRunningJobsHaveTheirTurns(t *testing.T) {
	t.Parallel()
	const many = 12_000
	l := voter.New(t)
	l.Admit(jobs.Worker, "w1")
	l.Admit(jobs.Coordinator, "c2")
	k := newKeeping(l, openStore(t, t.TempDir()))
	w1 := k.peer("w1")
	results := &blobs{}
	l.Submit("over", 1)
	k.backlog("over", results, 1)
	l.View(func(s *jobs.State) { s.Jobs["over"].State = jobs.JobSucceeded })
	l.Submit("large", many+1)
	k.backlog("large", results, many)
	l.Submit("small", 11)
	k.backlog("small", results, 10)
	if _, err := w1.PutMany(results.list); err != nil {
		t.Fatal(err)
	}
	k.steps("the small job's results are here", func() bool { return k.holds("small") == 10 })
	if n := k.holds("large"); n > many/2 {
		t.Errorf("%d results of the large job were copied before ten of the small one", n)
	}
	k.steps("all are here", func() bool { return k.holds("large")+k.holds("over") == many+1 })
}

// TestASilentHolderCostsOnlyItsOwn: that one worker says nothing holds up no result of
// another, whichever job that is of.
func TestASilentHolderCostsOnlyItsOwn(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	l.Admit(jobs.Worker, "w1", "silent")
	k := newKeeping(l, openStore(t, t.TempDir()))
	w1, _ := k.peer("w1"), k.peer("silent")
	l.Submit("a", 1000)
	l.Submit("b", 2)
	for i := range 300 {
		l.Accept("a", jobs.Place(i), "silent", bytes.Repeat([]byte{1, byte(i), byte(i >> 8)}, blob.MinPiece))
	}
	l.Accept("a", 300, "w1", []byte("of a"))
	l.Accept("b", 0, "w1", bytes.Repeat([]byte("of b"), blob.MinPiece))
	put(t, w1, []byte("of a"))
	put(t, w1, bytes.Repeat([]byte("of b"), blob.MinPiece))
	began := time.Now()
	k.steps("both results are here", func() bool { return k.holds("a") == 1 && k.holds("b") == 1 })
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("it took %v", took)
	}
	if n := len(k.flights); n > maxWidth {
		t.Errorf("%d results are on their way from the silent worker", n)
	}
}
