package rpc

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// TestDatasetsTellNothingOfOtherOwners has one that sue and tom keep, and that a
// job of each reads.
func TestDatasetsTellNothingOfOtherOwners(t *testing.T) {
	t.Parallel()
	g := start(t)
	ref := &anthillv1.BlobRef{Id: slices.Repeat([]byte{7}, 32), Size: 10}
	clients := map[string]anthillv1.BlobServiceClient{}
	for owner, role := range map[jobs.OwnerID]jobs.Role{"sue": jobs.Submitter, "tom": jobs.Submitter, "eve": jobs.Submitter, "ops": jobs.Operator} {
		id := g.admit(role, owner)
		clients[string(owner)] = anthillv1.NewBlobServiceClient(g.dial(id, g.follower))
		if owner == "sue" || owner == "tom" {
			spec := jobs.Spec{Name: "j", Bundle: blob.Ref{ID: blob.ID(ref.GetId()), Size: 10}, Input: jobs.Input{Range: &jobs.Range{To: 1, Step: 1}}}
			g.do(jobs.Command{Submit: &jobs.SubmitJob{Job: jobs.JobID("job of " + owner), Spec: spec.WithDefaults(), Submitter: id.Node()}})
		}
	}
	describe := func(b *anthillv1.Blob) string {
		var all []string
		for _, c := range b.GetClaims() {
			all = append(all, c.GetOwner()+"="+c.GetName())
		}
		return strings.Join(append(all, b.GetJobs()...), ", ")
	}
	for _, owner := range []string{"sue", "tom"} {
		want := fmt.Sprintf("%s=%[1]s's, job of %[1]s", owner)
		resp, err := clients[owner].KeepBlob(ctx(t), &anthillv1.KeepBlobRequest{Ref: ref, Name: owner + "'s", RequestId: owner})
		if got := describe(resp.GetBlob()); err != nil || got != want {
			t.Errorf("%s keeps it: %q, %v", owner, got, err)
		}
	}
	all := "sue=sue's, tom=tom's, job of sue, job of tom"
	for owner, want := range map[string]string{"sue": "sue=sue's, job of sue", "tom": "tom=tom's, job of tom", "eve": "", "ops": all} {
		one, err := clients[owner].GetBlob(ctx(t), &anthillv1.GetBlobRequest{Id: ref.GetId()})
		if owner == "eve" {
			expect(t, "a stranger to it", err, codes.NotFound, "UNKNOWN_BLOB")
		} else if got := describe(one.GetBlob()); err != nil || got != want || one.GetBlob().GetRef().GetSize() != 10 {
			t.Errorf("%s sees %v, %v; want %q", owner, one, err, want)
		}
		list, err := clients[owner].ListBlobs(ctx(t), &anthillv1.ListBlobsRequest{})
		var got string
		for _, b := range list.GetBlobs() {
			got += describe(b)
		}
		if err != nil || got != want {
			t.Errorf("%s lists %q, %v; want %q", owner, got, err, want)
		}
	}
	_, err := clients["eve"].DropBlob(ctx(t), &anthillv1.DropBlobRequest{Id: ref.GetId(), RequestId: "eve"})
	expect(t, "a stranger to it drops it", err, codes.NotFound, "UNKNOWN_BLOB")
}

func TestClaimsAreRenewedOnAFullDisk(t *testing.T) {
	t.Parallel()
	g := start(t)
	ref := &anthillv1.BlobRef{Id: slices.Repeat([]byte{7}, 32), Size: 10}
	larger := &anthillv1.BlobRef{Id: ref.GetId(), Size: 11}
	sue := anthillv1.NewBlobServiceClient(g.dial(g.admit(jobs.Submitter, "sue"), g.follower))
	tom := anthillv1.NewBlobServiceClient(g.dial(g.admit(jobs.Submitter, "tom"), g.follower))
	if _, err := sue.KeepBlob(ctx(t), &anthillv1.KeepBlobRequest{Ref: ref}); err != nil {
		t.Fatal(err)
	}
	g.results.full = blobstore.ErrFull
	if _, err := sue.KeepBlob(ctx(t), &anthillv1.KeepBlobRequest{Ref: ref}); err != nil {
		t.Errorf("the same again: %v", err)
	}
	_, err := sue.KeepBlob(ctx(t), &anthillv1.KeepBlobRequest{Ref: larger})
	expect(t, "a larger claim", err, codes.ResourceExhausted, "DISK_FULL")
	_, err = tom.KeepBlob(ctx(t), &anthillv1.KeepBlobRequest{Ref: ref})
	expect(t, "another owner's", err, codes.ResourceExhausted, "DISK_FULL")
}
