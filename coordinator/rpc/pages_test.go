package rpc

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/anthill-grid/anthill/internal/wire"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// jobPages reads a list of jobs to its end: their ids in order, and its largest message.
func jobPages(t *testing.T, client anthillv1.JobServiceClient, req *anthillv1.ListJobsRequest) (ids []string, pages, largest int) {
	t.Helper()
	req = proto.CloneOf(req)
	for {
		resp, err := client.ListJobs(ctx(t), req)
		if err != nil {
			t.Fatal(err)
		}
		for _, j := range resp.GetJobs() {
			ids = append(ids, j.GetId())
		}
		pages, largest = pages+1, max(largest, proto.Size(resp))
		if req.PageToken = resp.GetNextPageToken(); req.GetPageToken() == "" {
			return ids, pages, largest
		}
	}
}

// TestLargeJobsDoNotBreakTheList has 300 jobs of 60 KiB each, which is more than one message
// may have.
func TestLargeJobsDoNotBreakTheList(t *testing.T) {
	t.Parallel()
	g := start(t)
	mallory, ann := g.admit(jobs.Submitter, "mallory"), g.admit(jobs.Submitter, "ann")
	spec, err := wire.SpecFromProto(rangeSpec())
	if err != nil {
		t.Fatal(err)
	}
	spec = spec.WithDefaults()
	submit := func(by jobs.NodeID, id string, spec jobs.Spec) {
		g.do(jobs.Command{Submit: &jobs.SubmitJob{Job: jobs.JobID(id), Spec: spec, Submitter: by, Seed: 7}})
	}
	spec.Name, spec.Args = "flood", []string{strings.Repeat("x", 60<<10)}
	for i := range 300 {
		submit(mallory.Node(), fmt.Sprintf("flood-%03d", i), spec)
	}
	spec.Name, spec.Args = "Honest-work", nil
	submit(ann.Node(), "honest-1", spec)
	submit(ann.Node(), "honest-2", spec)
	g.do(jobs.Command{Cancel: &jobs.CancelJob{Job: "honest-1", By: "op"}})
	client := anthillv1.NewJobServiceClient(g.dial(g.admit(jobs.Operator, "ops"), g.follower))

	for view, most := range map[anthillv1.JobView]int{anthillv1.JobView_JOB_VIEW_UNSPECIFIED: 1 << 18, anthillv1.JobView_JOB_VIEW_FULL: maxPageBytes + 1<<17} {
		ids, pages, largest := jobPages(t, client, &anthillv1.ListJobsRequest{View: view, PageSize: 100_000})
		seen := map[string]bool{}
		for _, id := range ids {
			seen[id] = true
		}
		if len(ids) != 302 || len(seen) != 302 || largest > most || (pages == 1) != (view == anthillv1.JobView_JOB_VIEW_UNSPECIFIED) {
			t.Errorf("%v: %d jobs, %d different, on %d pages of up to %d bytes", view, len(ids), len(seen), pages, largest)
		}
	}
	if ids, pages, _ := jobPages(t, client, &anthillv1.ListJobsRequest{}); len(ids) != 302 || pages != 4 {
		t.Errorf("by itself: %d jobs on %d pages", len(ids), pages)
	}
	running, cancelled := anthillv1.JobState_JOB_STATE_RUNNING, anthillv1.JobState_JOB_STATE_CANCELLED
	now := wire.TimeToProto(g.Now().Add(1 << 30))
	for want, req := range map[string]*anthillv1.ListJobsRequest{
		"honest-1 honest-2": {Owner: "ann", PageSize: 1},
		"honest-1":          {Name: "HONEST", States: []anthillv1.JobState{cancelled}},
		"honest-2":          {Owner: "ann", States: []anthillv1.JobState{running}},
		"honest-2 ":         {Owner: "ann", ActiveSince: now}, // the other has ended before
		"":                  {Owner: "ann", Name: "flood"},
	} {
		if ids, _, _ := jobPages(t, client, req); strings.Join(slices.Sorted(slices.Values(ids)), " ") != strings.TrimSpace(want) {
			t.Errorf("%v: got %v, want %q", req, ids, want)
		}
	}
	first, err := client.ListJobs(ctx(t), &anthillv1.ListJobsRequest{PageSize: 1})
	if err != nil || len(first.GetJobs()[0].GetSpec().GetArgs())+len(first.GetJobs()[0].GetSpec().GetEnv()) > 0 || first.GetJobs()[0].GetSpec().GetInput() != nil {
		t.Errorf("a list tells of specs: %v, %v", first, err)
	}
	for name, token := range map[string]string{"of another question": first.GetNextPageToken(), "made up": "AAAA"} {
		_, err := client.ListJobs(ctx(t), &anthillv1.ListJobsRequest{Owner: "ann", PageToken: token})
		expect(t, "a token "+name, err, codes.InvalidArgument, "INVALID_FIELD")
	}
	// A token gives no rights: what mallory's page ended with shows ann only what is hers.
	theirs := anthillv1.NewJobServiceClient(g.dial(ann, g.follower))
	resp, err := theirs.ListJobs(ctx(t), &anthillv1.ListJobsRequest{PageToken: first.GetNextPageToken()})
	if err != nil || strings.Contains(resp.String(), "flood") {
		t.Errorf("with an operator's token ann sees %v, %v", resp, err)
	}
}

// TestPagesGoOnWhereTheyEnded although what is listed comes and goes.
func TestPagesGoOnWhereTheyEnded(t *testing.T) {
	t.Parallel()
	list := []place{{At: 5, ID: "a"}, {At: 9, ID: "b"}, {At: 5, ID: "c"}, {At: 1, ID: "d"}}
	view := func(p place) *anthillv1.JoinToken { return &anthillv1.JoinToken{Id: p.ID} }
	req := &anthillv1.ListTokensRequest{PageSize: 2}
	p, err := pageOf(req)
	if err != nil {
		t.Fatal(err)
	}
	got, next := cut(p, list, view)
	if len(got) != 2 || got[0].GetId() != "b" || got[1].GetId() != "a" || next == "" {
		t.Fatalf("the first page: %v, %q", got, next)
	}
	req.PageToken = next
	if p, err = pageOf(req); err != nil {
		t.Fatal(err)
	}
	got, next = cut(p, []place{{At: 10, ID: "new"}, {At: 5, ID: "c"}, {At: 1, ID: "d"}}, view)
	if len(got) != 2 || got[0].GetId() != "c" || got[1].GetId() != "d" || next != "" {
		t.Errorf("the second: %v, %q", got, next)
	}
	if got, next = cut(p, nil, view); len(got) != 0 || next != "" {
		t.Errorf("of nothing: %v, %q", got, next)
	}
}

// TestAllListsComeInPages of one thing each, and each thing comes once.
func TestAllListsComeInPages(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.raise()
	for i := range 3 {
		g.admit(jobs.Worker, jobs.OwnerID(fmt.Sprint("w", i)))
		g.do(jobs.Command{CreateToken: &jobs.CreateToken{Token: jobs.TokenID(fmt.Sprint("t", i)), Role: jobs.Worker, Uses: 1, Expires: 1 << 50, By: "op"}})
	}
	conn := g.dial(g.admit(jobs.Operator, "ops"), g.leader)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	g.chronicle.Run(over, g.View) // which looks once how owners are believed
	admin, nodes := anthillv1.NewAdminServiceClient(conn), anthillv1.NewNodeServiceClient(conn)
	for name, ask := range map[string]func(size uint32, token string) (n int, text, next string, err error){
		"nodes": func(size uint32, token string) (int, string, string, error) {
			r, err := nodes.ListNodes(ctx(t), &anthillv1.ListNodesRequest{PageSize: size, PageToken: token})
			return len(r.GetNodes()), fmt.Sprint(r.GetNodes()), r.GetNextPageToken(), err
		},
		"trust": func(size uint32, token string) (int, string, string, error) {
			r, err := nodes.ListTrust(ctx(t), &anthillv1.ListTrustRequest{PageSize: size, PageToken: token})
			return len(r.GetOwners()), fmt.Sprint(r.GetOwners()), r.GetNextPageToken(), err
		},
		"members": func(size uint32, token string) (int, string, string, error) {
			r, err := admin.ListMembers(ctx(t), &anthillv1.ListMembersRequest{PageSize: size, PageToken: token})
			return len(r.GetMembers()), fmt.Sprint(r.GetMembers()), r.GetNextPageToken(), err
		},
		"tokens": func(size uint32, token string) (int, string, string, error) {
			r, err := admin.ListTokens(ctx(t), &anthillv1.ListTokensRequest{PageSize: size, PageToken: token})
			return len(r.GetTokens()), fmt.Sprint(r.GetTokens()), r.GetNextPageToken(), err
		},
		"owners": func(size uint32, token string) (int, string, string, error) {
			r, err := admin.ListOwners(ctx(t), &anthillv1.ListOwnersRequest{PageSize: size, PageToken: token})
			return len(r.GetOwners()), fmt.Sprint(r.GetOwners()), r.GetNextPageToken(), err
		},
		"acts": func(size uint32, token string) (int, string, string, error) {
			r, err := admin.ListActs(ctx(t), &anthillv1.ListActsRequest{PageSize: size, PageToken: token})
			return len(r.GetActs()), fmt.Sprint(r.GetActs()), r.GetNextPageToken(), err
		},
	} {
		whole, _, next, err := ask(1000, "")
		if err != nil || next != "" || whole < 3 {
			t.Errorf("%s: %d of them, next %q, %v", name, whole, next, err)
			continue
		}
		seen, token := map[string]bool{}, ""
		for i := range whole {
			n, text, next, err := ask(1, token)
			if err != nil || n != 1 || seen[text] || (next == "") != (i == whole-1) {
				t.Fatalf("%s: page %d has %d, next %q, %v: %s", name, i, n, next, err, text)
			}
			seen[text], token = true, next
		}
	}
}
