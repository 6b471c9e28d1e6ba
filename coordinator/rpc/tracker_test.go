package rpc

import (
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/anthill-grid/anthill/coordinator/desk"
	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/wire"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// However many owners say that another served them wrong bytes, it costs it nothing but a
// probe; what it has signed itself gets it banned.
func TestReportsOfWrongBytes(t *testing.T) {
	t.Parallel()
	g := start(t)
	liar, worker, submitter := g.admit(jobs.Worker, "liar"), g.admit(jobs.Worker, "w"), g.admit(jobs.Submitter, "s")
	operator := g.admit(jobs.Operator, "ops")
	g.do(jobs.Command{Raise: &jobs.RaiseVersion{Version: jobs.LastVersion}})
	b := blob.Of([]byte("b")).ID()
	report := &anthillv1.ReportPeersRequest{Nodes: []string{string(liar.Node()), "another"}, Blobs: [][]byte{b[:]}}
	record := func() *anthillv1.OwnerRecord {
		resp, err := anthillv1.NewNodeServiceClient(g.dial(operator, g.leader)).ListNodes(ctx(t), &anthillv1.ListNodesRequest{})
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(resp.GetNodes(), func(n *anthillv1.Node) bool { return n.GetId() == string(liar.Node()) })
		return resp.GetNodes()[i].GetRecord()
	}
	if _, err := anthillv1.NewTrackerServiceClient(g.dial(submitter, g.leader)).ReportPeers(ctx(t), report); err != nil {
		t.Fatal(err)
	}
	if _, err := anthillv1.NewTrackerServiceClient(g.dial(liar, g.leader)).ReportPeers(ctx(t), report); err != nil { // itself
		t.Fatal(err)
	}
	if !slices.Equal(g.desk.probes, []string{"s " + string(liar.Node()) + " " + b.String()}) {
		t.Errorf("probed %q", g.desk.probes)
	}
	before, err := g.ReadIndex()
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := anthillv1.NewTrackerServiceClient(g.dial(submitter, g.leader)).ReportPeers(ctx(t), report); err != nil {
			t.Fatal(err)
		}
	}
	if after, err := g.ReadIndex(); err != nil || after != before {
		t.Errorf("what was said before makes %d entries of the log: %v", after-before, err)
	}
	if _, err := anthillv1.NewTrackerServiceClient(g.dial(worker, g.leader)).ReportPeers(ctx(t), report); err != nil {
		t.Fatal(err)
	}
	if r := record(); r.GetBanned() || len(r.GetAccusers()) > 0 {
		t.Errorf("after the words of two: %v", r)
	}
	m := blob.Of([]byte("b"))
	word := blob.Served{Blob: b, Receiver: string(worker.Node()), Hash: [32]byte{1}, At: time.Now().UnixMilli()}
	liar.Key.SignServed(&word)
	proof := &blob.Misserved{Served: word, Manifest: m.Encode()}
	report.Proof = wire.ProofToProto(proof)
	report.Proof.Piece++
	if _, err := anthillv1.NewTrackerServiceClient(g.dial(worker, g.leader)).ReportPeers(ctx(t), report); status.Code(err) != codes.InvalidArgument {
		t.Errorf("a forged proof: %v", err)
	}
	for range 2 { // the second comes too late, and says nothing new
		report.Proof = wire.ProofToProto(proof)
		if _, err := anthillv1.NewTrackerServiceClient(g.dial(worker, g.leader)).ReportPeers(ctx(t), report); err != nil {
			t.Fatal(err)
		}
	}
	if r := record(); !r.GetBanned() || !strings.Contains(r.GetBannedReason(), "signed wrong bytes as piece 0") || r.GetEvidence().GetReceiver() != string(worker.Node()) {
		t.Errorf("after the proof: %v", r)
	}
}

// Nobody can have others sent to somebody else's door: only the port of what a
// caller says counts, also where a follower forwards it.
func TestOnlyThePortIsBelieved(t *testing.T) {
	t.Parallel()
	g := start(t)
	const victim, reached = "victim.example:22", "127.0.0.1:22"
	worker, submitter := g.admit(jobs.Worker, "w"), g.admit(jobs.Submitter, "s")
	for at, address := range map[string]string{"leader": g.leader, "follower": g.follower} {
		conn := g.dial(submitter, address)
		if _, err := anthillv1.NewTrackerServiceClient(conn).Announce(ctx(t), &anthillv1.AnnounceRequest{Address: victim}); err != nil {
			t.Fatal(err)
		}
		if p := g.desk.lastIntroduced(); p.Address != reached {
			t.Errorf("%s: others are sent to %s", at, p.Address)
		}
		job, err := anthillv1.NewJobServiceClient(conn).SubmitJob(ctx(t), &anthillv1.SubmitJobRequest{Spec: rangeSpec(), Provider: victim})
		if err != nil {
			t.Fatal(err)
		}
		data := blob.Of([]byte(at)).Ref()
		if _, err := anthillv1.NewBlobServiceClient(conn).KeepBlob(ctx(t), &anthillv1.KeepBlobRequest{Ref: wire.RefToProto(data), Provider: victim}); err != nil {
			t.Fatal(err)
		}
		g.View(func(s *jobs.State) {
			if p := s.Jobs[jobs.JobID(job.GetJob().GetId())].Provider; p != reached {
				t.Errorf("%s: a job's input is asked of %s", at, p)
			}
			if p := s.Datasets[data.ID].Claims[0].Provider; p != reached {
				t.Errorf("%s: a dataset is asked of %s", at, p)
			}
		})
		if _, err := anthillv1.NewWorkServiceClient(g.dial(worker, address)).Heartbeat(ctx(t), &anthillv1.HeartbeatRequest{Address: victim}); err != nil {
			t.Fatal(err)
		}
		if beat := g.desk.beats[worker.Node()]; beat.Address != reached {
			t.Errorf("%s: a worker is thought to be at %s", at, beat.Address)
		}
	}
	coordinator := anthillv1.NewTrackerServiceClient(g.dial(g.admit(jobs.Coordinator, "coordinators"), g.leader))
	if _, err := coordinator.Announce(ctx(t), &anthillv1.AnnounceRequest{Address: "grid.example:7000"}); err != nil {
		t.Fatal(err)
	}
	if p := g.desk.lastIntroduced(); p.Address != "grid.example:7000" {
		t.Errorf("a coordinator is thought to be at %s", p.Address)
	}
}

func TestBadAnnouncements(t *testing.T) {
	t.Parallel()
	g := start(t)
	tracker := anthillv1.NewTrackerServiceClient(g.dial(g.admit(jobs.Submitter, "s"), g.leader))
	for name, req := range map[string]*anthillv1.AnnounceRequest{
		"an address without a port": {Address: "nowhere"},
		"a short id":                {Blobs: []*anthillv1.Announcement{{Blob: []byte{1}}}},
		"too many":                  {Blobs: make([]*anthillv1.Announcement, desk.MaxAnnounced+1)},
	} {
		_, err := tracker.Announce(ctx(t), req)
		expect(t, name, err, codes.InvalidArgument, "INVALID_FIELD")
	}
	resp, err := tracker.Announce(ctx(t), &anthillv1.AnnounceRequest{Blobs: []*anthillv1.Announcement{{Blob: make([]byte, 32), Peers: 5}}})
	if err != nil || len(resp.GetSwarms()) != 1 || resp.GetAgain().AsDuration() < desk.AnnounceEvery/2 {
		t.Errorf("%v, %v", resp, err)
	}
}
