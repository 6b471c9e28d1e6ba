package rpc

import (
	"fmt"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// TestOperatorsSetWhatOwnersMayUse, owners see their own account, and what is beyond it
// comes not even into the log.
func TestOperatorsSetWhatOwnersMayUse(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.do(jobs.Command{Raise: &jobs.RaiseVersion{Version: jobs.LastVersion}})
	sue, eve := g.admit(jobs.Submitter, "sue"), g.admit(jobs.Submitter, "eve")
	owners := func(role jobs.Role, owner jobs.OwnerID) anthillv1.AccountServiceClient {
		return anthillv1.NewAccountServiceClient(g.dial(g.admit(role, owner), g.follower))
	}
	op := owners(jobs.Operator, "ops")
	set := &anthillv1.SetOwnerRequest{Owner: "sue", Set: []*anthillv1.AccountTerm{{Item: anthillv1.AccountItem_ACCOUNT_ITEM_RUNNING, Limit: 1}}}
	_, err := anthillv1.NewAccountServiceClient(g.dial(eve, g.follower)).SetOwner(ctx(t), set)
	expect(t, "WRONG_ROLE", err, codes.PermissionDenied, "WRONG_ROLE")
	_, err = op.SetOwner(ctx(t), &anthillv1.SetOwnerRequest{Owner: "nobody", Set: set.GetSet()})
	expect(t, "UNKNOWN_OWNER", err, codes.NotFound, "UNKNOWN_OWNER")
	resp, err := op.SetOwner(ctx(t), set)
	if line := resp.GetAccount().GetLines()[0]; err != nil || line.GetLimit() != 1 || !line.GetOwn() || line.GetUsed() != 0 {
		t.Fatalf("%v, %v", line, err)
	}

	submit := func(n int) error {
		_, err := anthillv1.NewJobServiceClient(g.dial(sue, g.follower)).SubmitJob(ctx(t), &anthillv1.SubmitJobRequest{Spec: rangeSpec(), RequestId: fmt.Sprint(n)})
		return err
	}
	if err := submit(0); err != nil {
		t.Fatal(err)
	}
	jobsBefore := len(answered(g))
	expect(t, "ACCOUNT_JOBS", submit(1), codes.ResourceExhausted, "ACCOUNT_JOBS")
	if err := submit(0); err != nil {
		t.Errorf("a request that was answered: %v", err)
	}
	if now := len(answered(g)); now != jobsBefore {
		t.Errorf("%d requests are remembered, and were %d", now, jobsBefore)
	}

	own, err := anthillv1.NewAccountServiceClient(g.dial(sue, g.follower)).GetAccount(ctx(t), &anthillv1.GetAccountRequest{})
	if a := own.GetAccount(); err != nil || a.GetOwner() != "sue" || a.GetLines()[0].GetUsed() != 1 || a.GetLines()[4].GetReserved() == 0 {
		t.Errorf("her own account: %v, %v", own, err)
	}
	for _, owner := range []string{"sue", "nobody"} { // who is there does not show
		_, err = anthillv1.NewAccountServiceClient(g.dial(eve, g.follower)).GetAccount(ctx(t), &anthillv1.GetAccountRequest{Owner: owner})
		expect(t, "UNKNOWN_OWNER", err, codes.NotFound, "UNKNOWN_OWNER")
	}
	if all, err := op.GetAccount(ctx(t), &anthillv1.GetAccountRequest{Owner: "sue"}); err != nil || all.GetAccount().GetLines()[0].GetUsed() != 1 {
		t.Errorf("an operator sees %v, %v", all, err)
	}
}

// answered are the requests that the state remembers.
func answered(g *grid) (list []jobs.Answer) {
	g.Replica.View(func(s *jobs.State) { list = append(list, s.Answered...) })
	return list
}
