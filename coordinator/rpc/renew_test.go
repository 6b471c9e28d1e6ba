package rpc

import (
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/anthill-grid/anthill/internal/enrol"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// asleep is a submitter whose certificate was made at a time.
func (g *grid) asleep(t *testing.T, owner jobs.OwnerID, made time.Time) (*identity.Directory, string) {
	t.Helper()
	id := g.admit(jobs.Submitter, owner)
	der, err := g.authority.IssueAt(made, id.Key.Public(), jobs.Submitter, nil)
	if err != nil {
		t.Fatal(err)
	}
	old, err := identity.New(id.Key, der, id.Newest())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	d := &identity.Directory{Identity: old, Owner: string(owner), Coordinators: []string{g.follower}}
	if err := d.Save(dir); err != nil {
		t.Fatal(err)
	}
	return d, dir
}

// TestANodeThatSleptRenewsByItsKey, long after its certificate has ended, if the state
// still knows it.
func TestANodeThatSleptRenewsByItsKey(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.raise()
	d, dir := g.asleep(t, "ann", time.Now().Add(-jobs.CertificateLife-12*time.Hour))
	list := func(id *identity.Identity) error {
		_, err := anthillv1.NewJobServiceClient(g.dial(id, g.leader)).ListJobs(ctx(t), &anthillv1.ListJobsRequest{})
		return err
	}
	if err := list(d.Identity); err == nil {
		t.Fatal("a certificate that has ended is taken")
	}
	if err := enrol.Wake(t.Context(), d, dir); err != nil {
		t.Fatal(err)
	}
	if err := list(d.Identity); err != nil || d.Identity.Due(time.Now()) {
		t.Errorf("renewed: %v", err)
	}
	kept, err := identity.Load(dir)
	if err != nil || kept.Identity.Expired(time.Now()) || !kept.Identity.Due(time.Now().Add(21*24*time.Hour)) || kept.Identity.Due(time.Now().Add(19*24*time.Hour)) {
		t.Errorf("what is kept: %v", err)
	}
	gone, dir := g.asleep(t, "eve", time.Now().Add(-jobs.CertificateLife-12*time.Hour))
	g.do(jobs.Command{EndNode: &jobs.EndNode{Node: gone.Identity.Node(), By: "op", Revoke: true}})
	if err := enrol.Wake(t.Context(), gone, dir); err == nil || problem.Next(err) == "" {
		t.Errorf("a revoked node: %v", err)
	}
	stranger := &identity.Directory{Identity: g.issue(jobs.Worker), Coordinators: []string{g.leader}}
	if err := enrol.Renew(t.Context(), stranger, t.TempDir()); err == nil {
		t.Error("the state does not know it, and it gets a certificate")
	}
}

// TestCertificatesOfTenYearsAreDue at the first contact.
func TestCertificatesOfTenYearsAreDue(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.raise()
	id := g.admit(jobs.Worker, "w")
	der, err := g.authority.IssueOld(time.Now(), id.Key.Public(), jobs.Worker, nil)
	if err != nil {
		t.Fatal(err)
	}
	old, err := identity.New(id.Key, der, id.Newest())
	if err != nil || !old.Due(time.Now()) || id.Due(time.Now()) {
		t.Fatalf("one of ten years is due: %v, %v", old.Due(time.Now()), err)
	}
	resp, err := anthillv1.NewEnrolmentServiceClient(g.dial(old, g.follower)).Renew(ctx(t), &anthillv1.RenewRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if err := old.Renew(resp.GetCertificate()); err != nil || old.Due(time.Now()) {
		t.Errorf("renewed: %v", err)
	}
	if err := old.Renew(g.issue(jobs.Worker).Leaf().Raw); err == nil {
		t.Error("another's certificate is taken")
	}
	g.do(jobs.Command{BanOwner: &jobs.BanOwner{Owner: "w", By: "op"}})
	_, err = anthillv1.NewEnrolmentServiceClient(g.dial(old, g.leader)).Renew(ctx(t), &anthillv1.RenewRequest{})
	expect(t, "a banned owner's worker", err, codes.PermissionDenied, "OWNER_BANNED")
}
