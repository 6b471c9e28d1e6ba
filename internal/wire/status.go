package wire

import (
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// StatusToProto says how an attempt ended, by the order of the wire's enum.
func StatusToProto(s jobs.AttemptStatus) anthillv1.AttemptStatus { return anthillv1.AttemptStatus(s) }

// StatusFromProto reads how an attempt ended.
func StatusFromProto(field string, m anthillv1.AttemptStatus) (jobs.AttemptStatus, error) {
	if m == anthillv1.AttemptStatus_ATTEMPT_STATUS_UNSPECIFIED || !known(anthillv1.AttemptStatus_name, m) {
		return 0, jobs.InvalidField(field, "%v is not a status", m)
	}
	return jobs.AttemptStatus(m), nil
}

// JobStateToProto says how far a job is, by the order of the wire's enum.
func JobStateToProto(s jobs.JobState) anthillv1.JobState { return anthillv1.JobState(s) }

// attemptStates are the states of attempts in the words of the wire.
var attemptStates = map[jobs.AttemptState]string{
	jobs.AttemptRunning:   "running",
	jobs.AttemptVoted:     "voted",
	jobs.AttemptOutvoted:  "outvoted",
	jobs.AttemptKilled:    "killed",
	jobs.AttemptLost:      "lost",
	jobs.AttemptVoid:      "void",
	jobs.AttemptSilent:    "silent",
	jobs.AttemptReturned:  "returned",
	jobs.AttemptUnfetched: "unfetched",
}

// attemptStateToProto is the state in a word.
func attemptStateToProto(a jobs.TaskAttempt) string {
	if a.Paused {
		return "paused"
	}
	return attemptStates[a.State]
}
