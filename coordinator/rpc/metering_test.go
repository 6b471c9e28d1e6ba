package rpc

import (
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// TestJobsGetTheNewestRulesThatTheirGridHas of counting fuel: replicas and workers of the
// version before know no newer ones.
func TestJobsGetTheNewestRulesThatTheirGridHas(t *testing.T) {
	t.Parallel()
	g := start(t)
	mine := anthillv1.NewJobServiceClient(g.dial(g.admit(jobs.Submitter, "ann"), g.follower))
	submit := func(wanted uint32) (uint32, error) {
		spec := rangeSpec()
		spec.Metering = wanted
		made, err := mine.SubmitJob(ctx(t), &anthillv1.SubmitJobRequest{Spec: spec})
		return made.GetJob().GetSpec().GetMetering(), err
	}
	if got, err := submit(0); err != nil || got != jobs.OldestMetering {
		t.Errorf("rules %d, %v in a grid of the version before", got, err)
	}
	_, err := submit(jobs.Metering)
	expect(t, "rules that the grid does not have", err, codes.InvalidArgument, "INVALID_FIELD")
	g.do(jobs.Command{Raise: &jobs.RaiseVersion{Version: jobs.LastVersion}})
	for wanted, want := range map[uint32]uint32{0: jobs.Metering, jobs.Metering: jobs.Metering, jobs.OldestMetering: jobs.OldestMetering} {
		if got, err := submit(wanted); err != nil || got != want {
			t.Errorf("rules %d, %v where %d are wanted; want %d", got, err, wanted, want)
		}
	}
}

// TestJobsGetOlderRulesWhileMostWorkersKnowNoOthers, at whichever coordinator.
func TestJobsGetOlderRulesWhileMostWorkersKnowNoOthers(t *testing.T) {
	t.Parallel()
	g := start(t)
	operator := g.admit(jobs.Operator, "op")
	g.do(jobs.Command{Raise: &jobs.RaiseVersion{Version: jobs.LastVersion}})
	for _, c := range []struct {
		newest map[jobs.NodeID]uint32
		want   uint32
	}{
		{nil, jobs.Metering},
		{map[jobs.NodeID]uint32{"a": jobs.Metering, "b": jobs.OldestMetering}, jobs.Metering},
		{map[jobs.NodeID]uint32{"a": jobs.Metering, "b": jobs.OldestMetering, "c": jobs.OldestMetering}, jobs.OldestMetering},
		{map[jobs.NodeID]uint32{"b": jobs.OldestMetering}, jobs.OldestMetering},
	} {
		g.desk.know(c.newest)
		for _, address := range []string{g.leader, g.follower} {
			made, err := anthillv1.NewJobServiceClient(g.dial(operator, address)).SubmitJob(ctx(t), &anthillv1.SubmitJobRequest{Spec: rangeSpec()})
			if got := made.GetJob().GetSpec().GetMetering(); err != nil || got != c.want {
				t.Errorf("workers that know %v: rules %d, %v; want %d", c.newest, got, err, c.want)
			}
		}
	}
}

// know makes workers live.
func (d *fakeDesk) know(newest map[jobs.NodeID]uint32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.newest = newest
}

// TestOutdatedWorkersAreTold of wherever one asks, where a job waits for newer ones.
func TestOutdatedWorkersAreTold(t *testing.T) {
	t.Parallel()
	g := start(t)
	worker, operator := g.admit(jobs.Worker, "w"), g.admit(jobs.Operator, "op")
	work := anthillv1.NewWorkServiceClient(g.dial(worker, g.follower))
	for said, want := range map[uint32]uint32{0: jobs.OldestMetering, jobs.Metering: jobs.Metering} {
		if _, err := work.Offer(ctx(t), &anthillv1.OfferRequest{Capacity: 1, Metering: said}); err != nil || g.desk.metering != want {
			t.Errorf("%v; of a worker that says %d the desk hears %d, want %d", err, said, g.desk.metering, want)
		}
	}
	g.desk.know(map[jobs.NodeID]uint32{worker.Node(): jobs.OldestMetering})
	g.do(jobs.Command{Raise: &jobs.RaiseVersion{Version: jobs.LastVersion}})
	spec := rangeSpec()
	spec.Metering = jobs.Metering
	made, err := anthillv1.NewJobServiceClient(g.dial(operator, g.leader)).SubmitJob(ctx(t), &anthillv1.SubmitJobRequest{Spec: spec})
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{g.leader, g.follower} {
		resp, err := anthillv1.NewJobServiceClient(g.dial(operator, address)).GetJob(ctx(t), &anthillv1.GetJobRequest{JobId: made.GetJob().GetId()})
		if err != nil || !strings.Contains(resp.GetJob().GetWaiting(), "upgrade them") {
			t.Errorf("waiting: %q, %v", resp.GetJob().GetWaiting(), err)
		}
	}
}
