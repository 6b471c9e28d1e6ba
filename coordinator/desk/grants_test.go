package desk

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/lab/voter"
	"github.com/anthill-grid/anthill/jobs"
)

// TestDeskRemembersWhoReadWhat: two machines of one owner get the same tasks of two
// jobs on the same input.
func TestDeskRemembersWhoReadWhat(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	for _, id := range []jobs.NodeID{"w1", "w2"} {
		token := jobs.TokenID("token of " + id)
		l.Do(jobs.Command{CreateToken: &jobs.CreateToken{Token: token, Role: jobs.Worker, Uses: 1, Expires: 1 << 50, Owner: "o"}})
		l.Do(jobs.Command{Admit: &jobs.AdmitNode{Token: token, Node: id, Role: jobs.Worker}})
	}
	d := openDesk(l, false)
	granter := newGranter(d)
	had := map[jobs.Index]jobs.NodeID{}
	for n := range 10 {
		job := jobs.JobID(fmt.Sprint("j", n))
		l.Submit(job, 0, func(c *jobs.SubmitJob) {
			c.Spec.Input = jobs.Input{Blob: &jobs.BlobInput{Blob: blob.Ref{ID: blob.ID{1}, Size: 8 * blob.MinPiece}, ShardSize: blob.MinPiece}}
			c.Seed = uint64(n + 1)
		})
		for _, id := range []jobs.NodeID{"w1", "w2"} {
			d.register(id, newOffer(4), jobs.Metering)
		}
		granter.look(t.Context())
		l.View(func(s *jobs.State) {
			j := s.Jobs[job]
			if len(j.Open) != 8 {
				t.Fatalf("%d tasks are open, want all 8", len(j.Open))
			}
			for place, task := range j.Open {
				index, worker := j.TaskAt(place), task.Attempts[0].Worker
				if n > 0 && had[index] != worker {
					t.Errorf("task %d of %s went to %s, and before to %s", index, job, worker, had[index])
				}
				had[index] = worker
			}
		})
		l.Do(jobs.Command{Cancel: &jobs.CancelJob{Job: job, By: "op"}})
	}
}

// TestAnOwnerIsNoQuorumByItself, whoever else is heard of.
func TestAnOwnerIsNoQuorumByItself(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	l.Admit(jobs.Worker, "honest")
	l.Do(jobs.Command{CreateToken: &jobs.CreateToken{Token: "t", Role: jobs.Worker, Uses: 2, Expires: 1 << 50, Owner: "eve"}})
	for _, id := range []jobs.NodeID{"e1", "e2"} {
		l.Do(jobs.Command{Admit: &jobs.AdmitNode{Token: "t", Node: id, Role: jobs.Worker}})
	}
	l.Submit("j", 1, func(c *jobs.SubmitJob) { c.Spec.Trust = jobs.Trust{Replicas: 2, Quorum: 2, MaxAttempts: 5} })
	l.Accept("j", 0, "e1", []byte("a lie"))
	d := openDesk(l, true)
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if ids, err := d.Offer(ctx, "e2", 1, jobs.Metering); len(ids) > 0 || err != nil {
		t.Fatalf("her second worker got %v, %v before anybody else could be heard", ids, err)
	}
	d.mu.Lock()
	d.began = time.Now().Add(-jobs.LeaseDuration)
	d.mu.Unlock()
	late, cancelLate := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancelLate()
	if ids, err := d.Offer(late, "e2", 1, jobs.Metering); len(ids) > 0 || err != nil {
		t.Errorf("it got %v, %v when nobody else had been heard of for a lease", ids, err)
	}
}
