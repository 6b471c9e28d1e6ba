package rpc

import (
	"testing"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// What heartbeats say of running tasks is seen wherever one asks, and only of jobs
// that run.
func TestProgressIsSeenAtEveryCoordinator(t *testing.T) {
	t.Parallel()
	g := start(t)
	worker, operator := g.admit(jobs.Worker, "w"), g.admit(jobs.Operator, "op")
	submit := jobs.SubmitJob{Job: "j", Submitter: operator.Node(), Spec: jobs.Spec{
		Name: "j", Bundle: blob.Of([]byte("bundle")).Ref(), Input: jobs.Input{Range: &jobs.Range{To: 4, Step: 1}},
	}.WithDefaults()}
	g.do(jobs.Command{Submit: &submit})
	grant := func(lease jobs.LeaseID, place jobs.Place) {
		g.do(jobs.Command{Grant: &jobs.GrantLeases{Expires: 1 << 50, Grants: []jobs.Grant{{Lease: lease, Job: "j", Place: place, Worker: worker.Node()}}}})
	}
	grant(7, 0)
	grant(8, 1)
	g.do(jobs.Command{Report: &jobs.ReportAttempts{Reports: []jobs.Report{{Lease: 7, Worker: worker.Node(), Status: jobs.Succeeded, Output: blob.Of([]byte("x")).Ref(), Fuel: 100}}}})
	work := anthillv1.NewWorkServiceClient(g.dial(worker, g.follower))
	beat := &anthillv1.HeartbeatRequest{Leases: []uint64{6, 8}, Fuel: []uint64{0, 60}, Address: "h:1"}
	if _, err := work.Heartbeat(ctx(t), beat); err != nil {
		t.Fatal(err)
	}
	if fuel := g.desk.Fuel("j"); len(fuel) != 1 || fuel[8] != 60 {
		t.Errorf("the leader heard of %v", fuel)
	}
	for _, address := range []string{g.leader, g.follower} {
		client := anthillv1.NewJobServiceClient(g.dial(operator, address))
		job, err := client.GetJob(ctx(t), &anthillv1.GetJobRequest{JobId: "j"})
		if j := job.GetJob(); err != nil || j.GetFuelUsed() != 100 || j.GetFuelEstimate() != 400 || j.GetFuelRunning() != 60 {
			t.Errorf("%d and %d of %d units, %v; want 100 and 60 of 400", j.GetFuelUsed(), j.GetFuelRunning(), j.GetFuelEstimate(), err)
		}
		task, err := client.GetTask(ctx(t), &anthillv1.GetTaskRequest{JobId: "j", Task: g.taskAt("j", 1)})
		if err != nil || len(task.GetAttempts()) != 1 || task.GetAttempts()[0].GetFuel() != 60 {
			t.Errorf("task %v, %v; want 60 units of its attempt", task, err)
		}
	}
	g.do(jobs.Command{Cancel: &jobs.CancelJob{Job: "j", By: operator.Node()}})
	job, err := anthillv1.NewJobServiceClient(g.dial(operator, g.leader)).GetJob(ctx(t), &anthillv1.GetJobRequest{JobId: "j"})
	if err != nil || job.GetJob().GetFuelRunning() != 0 {
		t.Errorf("a cancelled job still uses fuel: %v, %v", job, err)
	}
}
