package rpc

import (
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// TestOnlyPresentCoordinatorsSpeakForOthers: a certificate of one, which a removed
// coordinator keeps, or makes of a copy of the authority's key, is not enough.
func TestOnlyPresentCoordinatorsSpeakForOthers(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.raise()
	operator, there := g.admit(jobs.Operator, "ops"), g.admit(jobs.Coordinator, "operators")
	removed, unknown, submitter := g.admit(jobs.Coordinator, "operators"), g.issue(jobs.Coordinator), g.admit(jobs.Submitter, "eve")
	g.do(jobs.Command{EndNode: &jobs.EndNode{Node: removed.Node(), By: operator.Node(), Coordinator: true}})
	der, err := g.authority.Issue(submitter.Key.Public(), jobs.Coordinator, nil)
	if err != nil {
		t.Fatal(err)
	}
	posh, err := identity.New(submitter.Key, der, g.authority.Certificate())
	if err != nil {
		t.Fatal(err)
	}
	asOperator := func(id *identity.Identity) error {
		c := caller{Peer: operator.Peer(), key: operator.Key.Public()}
		forward := metadata.AppendToOutgoingContext(ctx(t), forwardedFor, c.encode())
		_, err := anthillv1.NewAdminServiceClient(g.dial(id, g.leader)).ListActs(forward, &anthillv1.ListActsRequest{})
		return err
	}
	if err := asOperator(there); err != nil {
		t.Errorf("a coordinator of the grid: %v", err)
	}
	expect(t, "a removed coordinator", asOperator(removed), codes.PermissionDenied, "NODE_ENDED")
	expect(t, "a coordinator that was never let in", asOperator(unknown), codes.PermissionDenied, "NODE_UNKNOWN")
	expect(t, "a submitter with a coordinator's certificate", asOperator(posh), codes.PermissionDenied, "WRONG_ROLE")
}
