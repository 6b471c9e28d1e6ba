package rpc

import (
	"fmt"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// TestSwarmIsToldToTheOwner: who has what of a job's input, and who sent it to whom, bounded
// whatever workers say, and to nobody else.
func TestSwarmIsToldToTheOwner(t *testing.T) {
	t.Parallel()
	g, address, ada, id := quarrel(t)
	w1, w2 := g.admit(jobs.Worker, "w5"), g.admit(jobs.Worker, "w6")
	g.do(jobs.Command{Grant: &jobs.GrantLeases{Expires: 1 << 50, Grants: []jobs.Grant{{Lease: 40, Job: jobs.JobID(id), Place: 2, Worker: w1.Node()}}}})
	said := &anthillv1.PieceSources{Parts: make([]byte, 100), Nodes: []string{string(w2.Node()), "a stranger to the grid"}, Bytes: []int64{7, 8}}
	for i := range 100 {
		said.Nodes, said.Bytes = append(said.Nodes, fmt.Sprint(i)), append(said.Bytes, 1)
	}
	m := success(40, "done")
	m.Sources = said
	if _, err := anthillv1.NewWorkServiceClient(g.dial(w1, address)).Report(ctx(t), &anthillv1.ReportRequest{Reports: []*anthillv1.AttemptReport{m}}); err != nil {
		t.Fatal(err)
	}
	got, err := anthillv1.NewJobServiceClient(g.dial(ada, address)).GetSwarm(ctx(t), &anthillv1.GetSwarmRequest{JobId: id})
	if err != nil || len(got.GetNodes()) != 2 || len(got.GetParts()) != 1 || len(got.GetParts()[0].GetParts()) != maxParts {
		t.Fatalf("got %v, %v", got, err)
	}
	if f := got.GetFlows(); len(f) != 1 || got.GetNodes()[f[0].GetFrom()].GetNodeId() != string(w2.Node()) || got.GetNodes()[f[0].GetTo()].GetOwner() != "w5" || f[0].GetBytes() != 7 {
		t.Errorf("flows are %v of %v", f, got.GetNodes())
	}
	_, err = anthillv1.NewJobServiceClient(g.dial(g.admit(jobs.Submitter, "eve"), address)).GetSwarm(ctx(t), &anthillv1.GetSwarmRequest{JobId: id})
	if code := status.Code(err); code != codes.PermissionDenied && code != codes.NotFound {
		t.Errorf("another owner gets %v", err)
	}
}
