package wire

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

func TestTaskToProto(t *testing.T) {
	output := blob.Of([]byte("x")).Ref()
	m := TaskToProto(7, jobs.TaskReport{
		Verdict: "accepted", Output: output, Credibility: jobs.One - 1,
		Groups: []jobs.VoteGroup{{Vote: jobs.Vote{Output: output, Fuel: 9}, Credibility: jobs.One - 1}, {Vote: jobs.Vote{Failed: true, ExitCode: 3}, Credibility: 1}},
		Attempts: []jobs.TaskAttempt{
			{Worker: "w1", Owner: "ann", State: jobs.AttemptOutvoted, Group: 1, Credibility: 500_000_000},
			{Worker: "w2", Owner: "bob", State: jobs.AttemptLost, Reason: "gone"},
			{Worker: "w3", Owner: "eve", State: jobs.AttemptRunning, Paused: true, Lease: 3},
		},
	}, map[jobs.LeaseID]uint64{3: 17})
	want := &anthillv1.GetTaskResponse{
		Task: 7, Verdict: "accepted", Output: RefToProto(output), Credibility: 0.999999999,
		Groups: []*anthillv1.VoteGroup{
			{Output: RefToProto(output), Credibility: 0.999999999, Fuel: 9}, {Group: 1, Failed: true, ExitCode: 3, Credibility: 1e-9},
		},
		Attempts: []*anthillv1.TaskAttempt{
			{NodeId: "w1", Owner: "ann", State: "outvoted", Group: 1, Credibility: 0.5}, {NodeId: "w2", Owner: "bob", State: "lost", Reason: "gone"},
			{NodeId: "w3", Owner: "eve", State: "paused", Fuel: 17},
		},
	}
	if !proto.Equal(m, want) {
		t.Errorf("got  %v\nwant %v", m, want)
	}
	if m := TaskToProto(0, jobs.TaskReport{}, nil); m.Output != nil {
		t.Errorf("an open task has the output %v", m.GetOutput())
	}
	for state := jobs.AttemptRunning; state <= jobs.AttemptOutvoted; state++ {
		if attemptStates[state] == "" {
			t.Errorf("attempt state %d has no name", state)
		}
	}
}
