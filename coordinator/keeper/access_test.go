package keeper

import (
	"testing"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/lab/voter"
	"github.com/anthill-grid/anthill/jobs"
)

// TestWhoReadsWhat here follows from the state, and from what was told; jobs.State.MayRead
// has tests of its own.
func TestWhoReadsWhat(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	k := newKeeping(l, openStore(t, t.TempDir()))
	for node, role := range map[jobs.NodeID]jobs.Role{"c2": jobs.Coordinator, "w": jobs.Worker, "idle": jobs.Worker, "ann": jobs.Submitter, "eve": jobs.Submitter} {
		l.Do(jobs.Command{CreateToken: &jobs.CreateToken{Token: jobs.TokenID(node), Role: role, Uses: 1, Owner: jobs.OwnerID(node), Expires: 1 << 50}})
		l.Do(jobs.Command{Admit: &jobs.AdmitNode{Token: jobs.TokenID(node), Node: node, Role: role}})
	}
	bundle, result := blob.Of(voter.Bundle).ID(), blob.Of([]byte("result")).ID()
	l.Submit("j", 1)
	l.Do(jobs.Command{Grant: &jobs.GrantLeases{Expires: 1 << 50, Grants: []jobs.Grant{{Lease: 1, Job: "j", Worker: "w"}}}})
	k.Tell("ann", result)
	k.Tell("w", result)
	// Certificates say nothing: eve's is one of a coordinator, and nobody's too.
	roles := map[jobs.NodeID]jobs.Role{"c2": jobs.Coordinator, "w": jobs.Worker, "idle": jobs.Worker, "ann": jobs.Submitter, "eve": jobs.Coordinator, "op": jobs.Operator, "nobody": jobs.Coordinator}
	for node, want := range map[jobs.NodeID]struct{ bundle, result bool }{
		"c2": {true, true}, "op": {true, true}, "w": {true, false}, "idle": {}, "ann": {false, true}, "eve": {}, "nobody": {},
	} {
		ctx := identity.NewContext(t.Context(), identity.Peer{Node: node, Role: roles[node]})
		if b, r := k.MayRead(ctx, bundle), k.MayRead(ctx, result); b != want.bundle || r != want.result {
			t.Errorf("%s reads the bundle: %v, a result: %v; want %v", node, b, r, want)
		}
	}
	if k.MayRead(t.Context(), bundle) {
		t.Error("nobody in particular reads")
	}
}
