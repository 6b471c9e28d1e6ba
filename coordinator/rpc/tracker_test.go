package rpc

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// Two owners who say that a third served them wrong bytes get him banned; the
// word of one is shown, and costs him nothing.
func TestReportsOfWrongBytes(t *testing.T) {
	t.Parallel()
	g := start(t)
	liar, worker, submitter := g.admit(jobs.Worker, "liar"), g.admit(jobs.Worker, "w"), g.admit(jobs.Submitter, "s")
	report := &anthillv1.ReportPeersRequest{Nodes: []string{string(liar.Node())}}
	record := func() *anthillv1.OwnerRecord {
		resp, err := anthillv1.NewNodeServiceClient(g.dial(submitter, g.leader)).ListNodes(ctx(t), &anthillv1.ListNodesRequest{})
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(resp.GetNodes(), func(n *anthillv1.Node) bool { return n.GetId() == string(liar.Node()) })
		return resp.GetNodes()[i].GetRecord()
	}
	if _, err := anthillv1.NewTrackerServiceClient(g.dial(submitter, g.leader)).ReportPeers(ctx(t), report); err != nil {
		t.Fatal(err)
	}
	if r := record(); r.GetBanned() || !slices.Equal(r.GetAccusers(), []string{"s"}) {
		t.Errorf("after one report: %v", r)
	}
	if _, err := anthillv1.NewTrackerServiceClient(g.dial(worker, g.leader)).ReportPeers(ctx(t), report); err != nil {
		t.Fatal(err)
	}
	if r := record(); !r.GetBanned() || !strings.Contains(r.GetBannedReason(), "wrong bytes to s and w") {
		t.Errorf("after two: %v", r)
	}
}

func TestBadAnnouncements(t *testing.T) {
	t.Parallel()
	g := start(t)
	tracker := anthillv1.NewTrackerServiceClient(g.dial(g.admit(jobs.Submitter, "s"), g.leader))
	for name, req := range map[string]*anthillv1.AnnounceRequest{
		"an address without a port": {Address: "nowhere"},
		"a short id":                {Blobs: []*anthillv1.Announcement{{Blob: []byte{1}}}},
		"too many":                  {Blobs: make([]*anthillv1.Announcement, maxAnnouncements+1)},
	} {
		_, err := tracker.Announce(ctx(t), req)
		expect(t, name, err, codes.InvalidArgument, "INVALID_FIELD")
	}
	resp, err := tracker.Announce(ctx(t), &anthillv1.AnnounceRequest{Blobs: []*anthillv1.Announcement{{Blob: make([]byte, 32), Peers: 5}}})
	if err != nil || len(resp.GetSwarms()) != 1 || resp.GetAgain().AsDuration() < AnnounceEvery/2 {
		t.Errorf("%v, %v", resp, err)
	}
}
