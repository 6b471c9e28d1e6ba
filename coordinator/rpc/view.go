package rpc

import (
	"net"

	"github.com/anthill-grid/anthill/internal/waits"
	"github.com/anthill-grid/anthill/internal/wire"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// checkAddress refuses what is neither empty nor HOST:PORT: addresses are kept
// and told to others.
func checkAddress(field, address string) error {
	if address == "" {
		return nil
	}
	if _, _, err := net.SplitHostPort(address); err != nil || len(address) > 300 {
		return jobs.InvalidField(field, "%.300q is not HOST:PORT", address)
	}
	return nil
}

// jobView describes a job, what the state knows about it, and with which coordinators its
// input is.
func jobView(st *jobs.State, id jobs.JobID, j *jobs.Job, a attendance) *anthillv1.Job {
	m := &anthillv1.Job{
		Id: string(id), Spec: wire.SpecToProto(j.Spec.Hidden()), Owner: string(j.Owner), State: wire.JobStateToProto(j.State),
		Reason: j.Reason, SubmittedAt: wire.TimeToProto(j.Submitted), Tasks: countTasks(j),
		Attempts: &anthillv1.AttemptCounts{
			Started: j.Attempts.Started, Agreed: j.Attempts.Agreed, Outvoted: j.Attempts.Outvoted,
			Killed: j.Attempts.Killed, Lost: j.Attempts.Lost, Extra: j.Attempts.Extra, Returned: j.Attempts.Returned,
		},
		Fetched: wire.TrafficToProto(j.Fetched),
		Bound:   wire.ShareToProto(st.Bound(j)), Short: j.Short,
		FuelUsed: j.Fuel.Uint64(), FuelEstimate: j.FuelEstimate(),
	}
	if j.Finished != 0 {
		m.FinishedAt, m.Released = wire.TimeToProto(j.Finished), j.Released
		if st.Version() >= jobs.VersionStrangers {
			m.ForgottenAt = wire.TimeToProto(j.Finished.Add(st.Retain(j)))
		}
	}
	m.InputCopies, m.InputOwners = a.copies(j.InputHolders)
	m.InputCopiesNeeded, m.InputOwnersNeeded = a.needed()
	if j.State == jobs.JobRunning {
		m.InputWait, m.InputPassedOver = waits.ToProto(a.wait(j.InputHolders, j.Submitted)), a.passedOver(j.InputHolders)
	}
	return m
}

func countTasks(j *jobs.Job) *anthillv1.TaskCounts {
	counts := &anthillv1.TaskCounts{
		Total: uint32(j.Total()), Done: uint32(j.Done()), Accepted: uint32(j.Accepted()), Disputed: uint32(j.Disputed()),
		Disputes: uint32(j.Disputes), Reopened: uint32(j.Reopened), Changed: uint32(j.Changed),
		Failed: uint32(j.Failed), MayFail: uint32(j.Spec.MayFail()),
	}
	for _, t := range j.Open {
		if t.Running() > 0 {
			counts.Running++
		}
	}
	return counts
}
