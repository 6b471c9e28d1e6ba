package rpc

import (
	"slices"
	"strings"
	"testing"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/wire"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// TestLateReportsAreHandedIn: a lease that ended in silence may be given back. Heartbeats
// tell by which rules that is judged.
func TestLateReportsAreHandedIn(t *testing.T) {
	t.Parallel()
	g := start(t)
	worker := g.admit(jobs.Worker, "w")
	work := anthillv1.NewWorkServiceClient(g.dial(worker, g.leader))
	rules := func() jobs.Version {
		resp, err := work.Heartbeat(ctx(t), &anthillv1.HeartbeatRequest{})
		if err != nil {
			t.Fatal(err)
		}
		return jobs.Version(resp.GetRules())
	}
	var before jobs.Version
	g.View(func(s *jobs.State) { before = s.Version() })
	if told := rules(); told != before {
		t.Errorf("told of rules %d, want %d", told, before)
	}
	g.do(jobs.Command{Raise: &jobs.RaiseVersion{Version: jobs.LastVersion}})
	if told := rules(); told != jobs.LastVersion {
		t.Errorf("told of rules %d, want %d", told, jobs.LastVersion)
	}
	spec, err := wire.SpecFromProto(rangeSpec())
	if err != nil {
		t.Fatal(err)
	}
	g.do(jobs.Command{Submit: &jobs.SubmitJob{Job: "j", Spec: spec.WithDefaults(), Submitter: "op"}})
	g.do(jobs.Command{Grant: &jobs.GrantLeases{Expires: 1, Grants: []jobs.Grant{{Lease: 8, Job: "j", Worker: worker.Node()}}}})
	g.do(jobs.Command{Expire: &jobs.ExpireLeases{}})
	late := &anthillv1.AttemptReport{
		Lease: 8, Status: anthillv1.AttemptStatus_ATTEMPT_STATUS_SUCCEEDED, Output: wire.RefToProto(blob.Of([]byte("late")).Ref()), Data: []byte("late"),
	}
	if _, err := work.Report(ctx(t), &anthillv1.ReportRequest{Reports: []*anthillv1.AttemptReport{late}}); err != nil {
		t.Fatal(err)
	}
	if len(g.desk.reports) != 1 || g.desk.reports[0].Lease != 8 {
		t.Errorf("the desk got %+v", g.desk.reports)
	}
}

// TestTermsComeWithOffersAndHeartbeats, and declined work with reports.
func TestTermsComeWithOffersAndHeartbeats(t *testing.T) {
	t.Parallel()
	g := start(t)
	worker := g.admit(jobs.Worker, "w")
	work := anthillv1.NewWorkServiceClient(g.dial(worker, g.leader))
	if _, err := work.Heartbeat(ctx(t), &anthillv1.HeartbeatRequest{Terms: &anthillv1.Terms{Memory: 5, OnlyOwners: []string{"ann"}}}); err != nil {
		t.Fatal(err)
	}
	if got := g.desk.Terms(worker.Node()); got.Memory != 5 || !slices.Equal(got.Only, []jobs.OwnerID{"ann"}) {
		t.Errorf("the desk got %+v", got)
	}
	if _, err := work.Offer(ctx(t), &anthillv1.OfferRequest{Capacity: 1, Terms: &anthillv1.Terms{NotOwners: []string{"bob"}}}); err != nil {
		t.Fatal(err)
	}
	if got := g.desk.Terms(worker.Node()); got.Memory != 0 || got.Only != nil || !slices.Equal(got.Not, []jobs.OwnerID{"bob"}) {
		t.Errorf("the desk got %+v", got)
	}
	for _, bad := range [][]string{{""}, {strings.Repeat("x", 65)}, make([]string, 257)} {
		if _, err := work.Offer(ctx(t), &anthillv1.OfferRequest{Capacity: 1, Terms: &anthillv1.Terms{NotOwners: bad}}); err == nil {
			t.Errorf("%d owners such as %q are taken", len(bad), bad[0])
		}
	}
	stopped := anthillv1.AttemptStatus_ATTEMPT_STATUS_STOPPED
	if _, err := work.Report(ctx(t), &anthillv1.ReportRequest{Reports: []*anthillv1.AttemptReport{
		{Lease: 7, Status: stopped, Declined: true}, {Lease: 8, Status: stopped},
	}}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(g.desk.declined, []jobs.LeaseID{7}) {
		t.Errorf("declined are %v", g.desk.declined)
	}
}
