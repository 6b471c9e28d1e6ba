package rpc

import (
	"slices"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// TestRuntimesAreSeenByThoseWhoMayUseThem asks a follower, which sends namings on.
func TestRuntimesAreSeenByThoseWhoMayUseThem(t *testing.T) {
	t.Parallel()
	g := start(t)
	ref := &anthillv1.BlobRef{Id: slices.Repeat([]byte{7}, 32), Size: 10}
	clients := map[string]anthillv1.BlobServiceClient{}
	for owner, role := range map[jobs.OwnerID]jobs.Role{"sue": jobs.Submitter, "eve": jobs.Submitter, "ops": jobs.Operator, "worker": jobs.Worker} {
		clients[string(owner)] = anthillv1.NewBlobServiceClient(g.dial(g.admit(role, owner), g.follower))
	}
	name := func(owner, runtime string) error {
		_, err := clients[owner].NameRuntime(ctx(t), &anthillv1.NameRuntimeRequest{Name: runtime, Blob: ref.GetId()})
		return err
	}
	if _, err := clients["sue"].KeepBlob(ctx(t), &anthillv1.KeepBlobRequest{Ref: ref, Name: "python.wasm"}); err != nil {
		t.Fatal(err)
	}
	if err := name("sue", "python"); status.Code(err) != codes.InvalidArgument {
		t.Errorf("by the rules of an older release: %v", err)
	}
	g.do(jobs.Command{Raise: &jobs.RaiseVersion{Version: jobs.LastVersion}})
	for owner, want := range map[string]codes.Code{"sue": codes.OK, "eve": codes.NotFound, "worker": codes.PermissionDenied} {
		if err := name(owner, "python"); status.Code(err) != want {
			t.Errorf("%s names it: %v, want %v", owner, err, want)
		}
	}
	if err := name("ops", "ruby"); err != nil {
		t.Errorf("the operator names it: %v", err)
	}
	for owner, want := range map[string][]string{"sue": {"python of sue", "ruby of "}, "eve": {"ruby of "}, "ops": {"ruby of "}} {
		resp, err := clients[owner].ListRuntimes(ctx(t), &anthillv1.ListRuntimesRequest{})
		var got []string
		for _, r := range resp.GetRuntimes() {
			got = append(got, r.GetName()+" of "+r.GetOwner())
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s sees %q, %v, want %q", owner, got, err, want)
		}
	}
	if _, err := clients["eve"].NameRuntime(ctx(t), &anthillv1.NameRuntimeRequest{Name: "ruby"}); status.Code(err) != codes.NotFound {
		t.Errorf("eve takes the grid's name back: %v", err)
	}
}
