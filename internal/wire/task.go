package wire

import (
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// IndexesToProto are the numbers of tasks.
func IndexesToProto(list []jobs.Index) (out []uint32) {
	for _, i := range list {
		out = append(out, uint32(i))
	}
	return out
}

// FailureToProto says how a task failed.
func FailureToProto(f jobs.Failure) *anthillv1.TaskFailure {
	return &anthillv1.TaskFailure{GivenUp: !f.Voted, ExitCode: f.ExitCode, Reason: f.Reason}
}

// TaskToProto describes a task by its index, which the report does not know.
// fuel is what its running attempts have used so far.
func TaskToProto(task jobs.Index, r jobs.TaskReport, fuel map[jobs.LeaseID]uint64) *anthillv1.GetTaskResponse {
	m := &anthillv1.GetTaskResponse{Task: uint32(task), Verdict: r.Verdict, Output: outputToProto(r.Output), Credibility: ShareToProto(r.Credibility), Reason: r.Reason}
	for i, g := range r.Groups {
		m.Groups = append(m.Groups, &anthillv1.VoteGroup{
			Group: uint32(i), Output: outputToProto(g.Vote.Output), Failed: g.Vote.Failed, ExitCode: g.Vote.ExitCode,
			Credibility: ShareToProto(g.Credibility), Fuel: g.Vote.Fuel,
		})
	}
	for _, a := range r.Attempts {
		m.Attempts = append(m.Attempts, &anthillv1.TaskAttempt{
			NodeId: string(a.Worker), Owner: string(a.Owner), State: attemptStateToProto(a), Group: uint32(a.Group),
			Reason: a.Reason, Credibility: ShareToProto(a.Credibility), Fuel: fuel[a.Lease],
		})
	}
	return m
}
