package placement

import (
	"maps"
	"slices"
	"testing"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
)

// onInput submits a job whose tasks read an input blob, four tasks a piece.
func (g *grid) onInput(id string, tasks int64, trust jobs.Trust) *jobs.Job {
	spec := jobs.Spec{
		Name: id, Bundle: blob.Ref{ID: blob.ID{1}, Size: 1}, Trust: trust,
		Input: jobs.Input{Blob: &jobs.BlobInput{Blob: blob.Ref{ID: blob.ID{2}, Size: tasks * blob.MinPiece / 4}, ShardSize: blob.MinPiece / 4}},
	}
	g.must(jobs.Command{Submit: &jobs.SubmitJob{Job: jobs.JobID(id), Spec: spec.WithDefaults(), Submitter: "op"}})
	return g.Jobs[jobs.JobID(id)]
}

func (g *grid) planNear(near Near, offers ...Offer) map[jobs.NodeID][]uint32 {
	g.lease++
	got := map[jobs.NodeID][]uint32{}
	for _, grant := range Plan(Request{
		State: g.State, Offers: offers, Live: g.live, Near: near, Draw: g.draw.IntN,
		NewLease: func() jobs.LeaseID { g.lease++; return g.lease },
	}) {
		got[grant.Worker] = append(got[grant.Worker], grant.Task)
	}
	return got
}

func nobody(jobs.NodeID, *jobs.Job, uint32) bool { return false }

// alone are the tasks that one worker alone gets, in order, and who: tasks that
// are checked at once stay with whom they were planned for.
func alone(got map[jobs.NodeID][]uint32) (tasks []uint32, who []jobs.NodeID) {
	by := map[uint32][]jobs.NodeID{}
	for w, list := range got {
		for _, task := range list {
			by[task] = append(by[task], w)
		}
	}
	for _, task := range slices.Sorted(maps.Keys(by)) {
		if len(by[task]) == 1 {
			tasks, who = append(tasks, task), append(who, by[task][0])
		}
	}
	return tasks, who
}

func TestFreshTasksGoToWhoHasTheirPieces(t *testing.T) {
	g := newGrid("w1 ada", "w2 bruno", "w3 chen")
	g.onInput("j", 400, jobs.Trust{Replicas: 1})
	offers := []Offer{{"w1", 9}, {"w2", 9}, {"w3", 9}}
	got := g.planNear(func(w jobs.NodeID, _ *jobs.Job, place uint32) bool { return w == "w2" && place >= 6 && place < 10 }, offers...)
	for w, tasks := range got {
		if len(tasks) != 9 {
			t.Errorf("%s has %d tasks for 9 free places: %v", w, len(tasks), got)
		}
	}
	near := 0
	tasks, who := alone(got)
	for i, task := range tasks {
		if task >= 6 && task < 10 {
			near++
			if who[i] != "w2" {
				t.Errorf("w2 has the pieces of task %d, and %s gets it", task, who[i])
			}
		}
	}
	if near == 0 {
		t.Error("nobody gets any of the tasks")
	}
}

func TestTasksOfAPieceStayTogether(t *testing.T) {
	g := newGrid("w1 ada", "w2 bruno", "w3 chen")
	g.onInput("j", 400, jobs.Trust{Replicas: 1})
	_, who := alone(g.planNear(nobody, Offer{"w1", 9}, Offer{"w2", 9}, Offer{"w3", 9}))
	if runs := slices.Compact(who); len(runs) != 3 {
		t.Errorf("one after the other the tasks go to %v: want one run each", runs)
	}
}

// TestNearnessStarvesNobody: one worker claims to have everything.
func TestNearnessStarvesNobody(t *testing.T) {
	g := newGrid("w1 ada", "w2 bruno")
	g.onInput("j", 1000, jobs.Trust{MaxError: jobs.One / 1000})
	got := g.planNear(func(w jobs.NodeID, _ *jobs.Job, _ uint32) bool { return w == "w1" }, Offer{"w1", 3}, Offer{"w2", 3})
	if len(got["w1"]) != 3 || len(got["w2"]) != 3 {
		t.Errorf("who claims to have everything changed how much others get: %v", got)
	}
}

// TestNearnessDoesNotChooseWhoChecks: whatever workers claim, replicas of a task
// go to different owners, and each grant holds.
func TestNearnessDoesNotChooseWhoChecks(t *testing.T) {
	g := newGrid("w1 ada", "w2 ada", "w3 bruno", "w4 chen")
	g.onInput("j", 100, jobs.Trust{Replicas: 2, Quorum: 2, MaxAttempts: 5})
	got := g.planNear(func(w jobs.NodeID, _ *jobs.Job, _ uint32) bool { return w == "w1" || w == "w2" },
		Offer{"w1", 5}, Offer{"w2", 5}, Offer{"w3", 5}, Offer{"w4", 5})
	for _, mine := range got["w1"] {
		for _, other := range got["w2"] {
			if mine == other {
				t.Errorf("both attempts at task %d are ada's", mine)
			}
		}
	}
}
