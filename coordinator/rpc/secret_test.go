package rpc

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// TestSecretsGoToWorkersAlone, also those of a job that is tried again from what was shown.
func TestSecretsGoToWorkersAlone(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.raise()
	ann := anthillv1.NewJobServiceClient(g.dial(g.admit(jobs.Submitter, "ann"), g.follower))
	spec := rangeSpec()
	spec.Env, spec.Secret = map[string]string{"KEY": "hush-hush"}, []string{"KEY"}
	made, err := ann.SubmitJob(ctx(t), &anthillv1.SubmitJobRequest{Spec: spec})
	if err != nil {
		t.Fatal(err)
	}
	again := proto.CloneOf(made.GetJob().GetSpec())
	again.RetryOf, again.Trust = made.GetJob().GetId(), spec.GetTrust()
	second, err := ann.SubmitJob(ctx(t), &anthillv1.SubmitJobRequest{Spec: again})
	if err != nil {
		t.Fatal(err)
	}
	list, err := ann.ListJobs(ctx(t), &anthillv1.ListJobsRequest{})
	if err != nil || strings.Contains(made.String()+second.String()+list.String(), "hush-hush") {
		t.Errorf("they are shown, %v", err)
	}
	for _, id := range []string{made.GetJob().GetId(), second.GetJob().GetId()} {
		var kept jobs.Spec
		g.View(func(st *jobs.State) { kept = st.Jobs[jobs.JobID(id)].Spec })
		if got := specForWorkers(kept).GetEnv()["KEY"]; got != "hush-hush" {
			t.Errorf("workers of %s get %q", id, got)
		}
	}
}
