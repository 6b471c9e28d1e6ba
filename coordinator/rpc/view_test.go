package rpc

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/anthill-grid/anthill/internal/membership"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

func TestJobView(t *testing.T) {
	st := jobs.NewState()
	j := &jobs.Job{
		Spec:  jobs.Spec{Trust: jobs.Trust{MaxError: 100_000}, Input: jobs.Input{Range: &jobs.Range{To: 9, Step: 1}}},
		State: jobs.JobRunning, Bound: 200_000, Short: "start more workers", Count: 5, Unheld: map[jobs.Place][]jobs.NodeID{0: nil},
		Disputes: 1, Reopened: 2, Changed: 3, Attempts: jobs.AttemptCounts{Started: 8, Extra: 4},
		Open: map[jobs.Place]*jobs.Task{7: {Disputed: true}}, Fuel: jobs.FuelSum{Low: 500},
	}
	st.Holders, j.InputHolders = []jobs.NodeID{"c1", "c2"}, 3
	st.Nodes["c1"], st.Nodes["c2"] = &jobs.Node{Owner: "ops"}, &jobs.Node{Owner: "ops"}
	st.Jobs["j"] = j
	st.Reindex()
	a := attend(st, map[jobs.NodeID]membership.Member{"c1": {}, "c2": {}}, time.Now(), time.Now())
	m := jobView(st, "j", j, a)
	if m.GetInputCopies() != 2 || m.GetInputOwners() != 1 || m.GetInputOwnersNeeded() != 1 {
		t.Errorf("%d copies with %d owners of %d", m.GetInputCopies(), m.GetInputOwners(), m.GetInputOwnersNeeded())
	}
	if m.GetBound() != 0 || m.GetShort() != j.Short || m.GetSpec().GetTrust().GetMaxError() != 1e-4 || m.GetAttempts().GetExtra() != 4 {
		t.Errorf("got %v", m)
	}
	if m.GetFuelUsed() != 500 || m.GetFuelEstimate() != 900 {
		t.Errorf("fuel %d of about %d, want 500 of 900", m.GetFuelUsed(), m.GetFuelEstimate())
	}
	want := &anthillv1.TaskCounts{Total: 9, Done: 4, Accepted: 5, Disputed: 1, Disputes: 1, Reopened: 2, Changed: 3}
	if !proto.Equal(m.GetTasks(), want) {
		t.Errorf("tasks %v, want %v", m.GetTasks(), want)
	}
	j.State = jobs.JobSucceeded
	if m := jobView(st, "j", j, a); m.GetBound() != 2e-4 {
		t.Errorf("bound %v, want 2e-4", m.GetBound())
	}
	j.Spec.Trust, j.Bound = jobs.Trust{Replicas: 2, Quorum: 2, MaxAttempts: 5}, 0
	if m := jobView(st, "j", j, a); m.GetBound() != 0 || m.GetSpec().GetTrust().GetMaxError() != 0 {
		t.Errorf("fixed replication promises a bound: %v", m)
	}
}

func TestCheckAddress(t *testing.T) {
	for address, ok := range map[string]bool{
		"": true, "host:1": true, "[::1]:80": true, "10.0.0.1:7700": true,
		"host": false, "a:b:c": false, strings.Repeat("h", 300) + ":1": false,
	} {
		if err := checkAddress("address", address); (err == nil) != ok {
			t.Errorf("%.40q: %v", address, err)
		}
	}
}
