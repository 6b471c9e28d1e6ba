package rpc

import (
	"slices"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// TestTheStateSaysWhatANodeMayDo, and not its certificate: one that the grid does not
// know, or knows no more, may do nothing, here and where a follower answers.
func TestTheStateSaysWhatANodeMayDo(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.raise()
	operator := g.admit(jobs.Operator, "ops")
	admin := anthillv1.NewAdminServiceClient(g.dial(operator, g.follower))
	revoked, removed, banned := g.admit(jobs.Submitter, "r"), g.admit(jobs.Submitter, "r"), g.admit(jobs.Submitter, "b")
	stranger := g.issue(jobs.Submitter) // the state has not heard of it
	list := func(id *identity.Identity, at string) error {
		_, err := anthillv1.NewJobServiceClient(g.dial(id, at)).ListJobs(ctx(t), &anthillv1.ListJobsRequest{})
		return err
	}
	for _, id := range []*identity.Identity{revoked, removed, banned} {
		if err := list(id, g.leader); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := admin.EndNode(ctx(t), &anthillv1.EndNodeRequest{Node: revoked.Node().Short(), Revoke: true, Reason: "stolen"}); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.EndNode(ctx(t), &anthillv1.EndNodeRequest{Node: string(removed.Node())}); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.BanOwner(ctx(t), &anthillv1.BanOwnerRequest{Owner: "b", Reason: "spam"}); err != nil {
		t.Fatal(err)
	}
	for _, at := range []string{g.leader, g.follower} {
		expect(t, "revoked", list(revoked, at), codes.PermissionDenied, "NODE_ENDED")
		expect(t, "removed", list(removed, at), codes.PermissionDenied, "NODE_ENDED")
		expect(t, "banned", list(banned, at), codes.PermissionDenied, "OWNER_BANNED")
		expect(t, "unknown", list(stranger, at), codes.PermissionDenied, "NODE_UNKNOWN")
	}
	acts, err := admin.ListActs(ctx(t), &anthillv1.ListActsRequest{})
	if err != nil || len(acts.GetActs()) != 3 || acts.GetActs()[2].GetReason() != "stolen" || acts.GetActs()[0].GetOwner() != "ops" {
		t.Errorf("the record: %v, %v", acts, err)
	}
	// A certificate for more than the state knows of gives nothing more.
	der, err := g.authority.Issue(banned.Key.Public(), jobs.Operator, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := admin.BanOwner(ctx(t), &anthillv1.BanOwnerRequest{Owner: "b", Lift: true}); err != nil {
		t.Fatal(err)
	}
	posh, err := identity.New(banned.Key, der, g.authority.Certificate())
	if err != nil {
		t.Fatal(err)
	}
	_, err = anthillv1.NewAdminServiceClient(g.dial(posh, g.leader)).ListActs(ctx(t), &anthillv1.ListActsRequest{})
	expect(t, "a submitter with an operator's certificate", err, codes.PermissionDenied, "WRONG_ROLE")
}

// TestForeignJobsAreAsIfTheyWereNot to other submitters, in every call.
func TestForeignJobsAreAsIfTheyWereNot(t *testing.T) {
	t.Parallel()
	g := start(t)
	worker := g.admit(jobs.Worker, "w")
	g.desk.newest = map[jobs.NodeID]uint32{worker.Node(): 1}
	ann, eve := anthillv1.NewJobServiceClient(g.dial(g.admit(jobs.Submitter, "ann"), g.leader)), g.dial(g.admit(jobs.Submitter, "eve"), g.leader)
	made, err := ann.SubmitJob(ctx(t), &anthillv1.SubmitJobRequest{Spec: rangeSpec()})
	if err != nil {
		t.Fatal(err)
	}
	eves := anthillv1.NewJobServiceClient(eve)
	for _, id := range []string{made.GetJob().GetId(), "nope-aaaaaa"} {
		_, err = eves.GetJob(ctx(t), &anthillv1.GetJobRequest{JobId: id})
		expect(t, "get "+id, err, codes.NotFound, "UNKNOWN_JOB")
		_, err = eves.GetTask(ctx(t), &anthillv1.GetTaskRequest{JobId: id})
		expect(t, "get a task of "+id, err, codes.NotFound, "UNKNOWN_JOB")
		_, err = eves.CancelJob(ctx(t), &anthillv1.CancelJobRequest{JobId: id})
		expect(t, "cancel "+id, err, codes.NotFound, "UNKNOWN_JOB")
		watch, err := eves.WatchJob(ctx(t), &anthillv1.WatchJobRequest{JobId: id})
		if err == nil {
			_, err = watch.Recv()
		}
		expect(t, "watch "+id, err, codes.NotFound, "UNKNOWN_JOB")
		results, err := eves.StreamResults(ctx(t), &anthillv1.StreamResultsRequest{JobId: id})
		if err == nil {
			_, err = results.Recv()
		}
		expect(t, "results of "+id, err, codes.NotFound, "UNKNOWN_JOB")
	}
	if list, err := eves.ListJobs(ctx(t), &anthillv1.ListJobsRequest{}); err != nil || len(list.GetJobs()) != 0 {
		t.Errorf("she lists %v, %v", list.GetJobs(), err)
	}
	where := func(id *identity.Identity) string {
		nodes, err := anthillv1.NewNodeServiceClient(g.dial(id, g.leader)).ListNodes(ctx(t), &anthillv1.ListNodesRequest{})
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(nodes.GetNodes(), func(n *anthillv1.Node) bool { return n.GetId() == string(worker.Node()) })
		return nodes.GetNodes()[i].GetAddress()
	}
	if at := where(g.admit(jobs.Submitter, "eve")); at != "" {
		t.Errorf("she learns where a volunteer is: %s", at)
	}
	for owner, role := range map[jobs.OwnerID]jobs.Role{"ops": jobs.Operator, "w": jobs.Submitter} {
		if where(g.admit(role, owner)) == "" {
			t.Errorf("%s does not learn where it is", owner)
		}
	}
}

// raise brings the newest rules into force.
func (g *grid) raise() { g.do(jobs.Command{Raise: &jobs.RaiseVersion{Version: jobs.LastVersion}}) }
