package rpc

import (
	"fmt"
	"maps"
	"math"
	"net"
	"strings"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

func badField(field, format string, args ...any) *jobs.Rejection {
	return &jobs.Rejection{Code: jobs.Invalid, Reason: "INVALID_FIELD", Subject: field, Message: fmt.Sprintf(format, args...)}
}

// checkAddress refuses what is neither empty nor HOST:PORT: addresses are kept
// and told to others.
func checkAddress(field, address string) error {
	if address == "" {
		return nil
	}
	if _, _, err := net.SplitHostPort(address); err != nil || len(address) > 300 {
		return badField(field, "%.300q is not HOST:PORT", address)
	}
	return nil
}

func refFromProto(field string, m *anthillv1.BlobRef) (blob.Ref, error) {
	if m == nil {
		return blob.Ref{}, nil
	}
	id, err := blob.IDFrom(m.GetId())
	if err != nil {
		return blob.Ref{}, badField(field, "%v", err)
	}
	if m.GetSize() < 0 || m.GetSize() > blob.MaxSize {
		return blob.Ref{}, badField(field, "a blob cannot have %d bytes", m.GetSize())
	}
	return blob.Ref{ID: id, Size: m.GetSize()}, nil
}

func refToProto(r blob.Ref) *anthillv1.BlobRef {
	return &anthillv1.BlobRef{Id: r.ID[:], Size: r.Size}
}

func specFromProto(m *anthillv1.JobSpec) (jobs.Spec, error) {
	bundle, err := refFromProto("bundle", m.GetBundle())
	if err != nil {
		return jobs.Spec{}, err
	}
	input, err := inputFromProto(m.GetInput())
	if err != nil {
		return jobs.Spec{}, err
	}
	trust, err := trustFromProto(m.GetTrust())
	if err != nil {
		return jobs.Spec{}, err
	}
	s := jobs.Spec{
		Name: m.GetName(), Bundle: bundle, Args: m.GetArgs(), Env: m.GetEnv(), Input: input,
		Limits: jobs.Limits{Time: m.GetLimits().GetTime().AsDuration(), Memory: m.GetLimits().GetMemory(), Output: m.GetLimits().GetOutput(), Fuel: m.GetLimits().GetFuel()},
		Trust:  trust, Metering: m.GetMetering(),
	}
	if s.UnknownImports, err = unknownImportsFromProto(m.GetUnknownImports()); err != nil {
		return jobs.Spec{}, err
	}
	for _, d := range m.GetData() {
		ref, err := refFromProto("data."+d.GetName(), d.GetBlob())
		if err != nil {
			return jobs.Spec{}, err
		}
		s.Data = append(s.Data, jobs.DataFile{Name: d.GetName(), Blob: ref})
	}
	return s, nil
}

func unknownImportsFromProto(m anthillv1.UnknownImports) (jobs.UnknownImports, error) {
	switch m {
	case anthillv1.UnknownImports_UNKNOWN_IMPORTS_UNSPECIFIED, anthillv1.UnknownImports_UNKNOWN_IMPORTS_REFUSE:
		return jobs.RefuseUnknown, nil
	case anthillv1.UnknownImports_UNKNOWN_IMPORTS_TRAP:
		return jobs.TrapUnknown, nil
	}
	return 0, badField("unknown_imports", "%d is none of the choices", m)
}

func unknownImportsToProto(u jobs.UnknownImports) anthillv1.UnknownImports {
	if u == jobs.TrapUnknown {
		return anthillv1.UnknownImports_UNKNOWN_IMPORTS_TRAP
	}
	return anthillv1.UnknownImports_UNKNOWN_IMPORTS_REFUSE
}

func trustFromProto(m *anthillv1.Trust) (jobs.Trust, error) {
	maxError, err := shareFromProto("trust.max_error", m.GetMaxError())
	return jobs.Trust{
		Replicas: m.GetReplicas(), Quorum: m.GetQuorum(), MaxAttempts: m.GetMaxAttempts(), MaxError: maxError,
	}, err
}

// shareFromProto reads a share above 0 and below 1 in parts per billion; 0 is
// one that was not given.
func shareFromProto(field string, v float64) (jobs.Prob, error) {
	if v == 0 {
		return 0, nil
	}
	p := math.Round(v * float64(jobs.One))
	if !(p >= 1 && p < float64(jobs.One)) { // not a number neither
		r := badField(field, "%v is not above 0 and below 1, to nine decimal places", v)
		r.Next = "give a share such as 0.0001, or leave it out"
		return 0, r
	}
	return jobs.Prob(p), nil
}

func shareToProto(p jobs.Prob) float64 { return float64(p) / float64(jobs.One) }

func trustToProto(t jobs.Trust) *anthillv1.Trust {
	return &anthillv1.Trust{
		Replicas: t.Replicas, Quorum: t.Quorum, MaxAttempts: t.MaxAttempts, MaxError: shareToProto(t.MaxError),
	}
}

func inputFromProto(m *anthillv1.Input) (jobs.Input, error) {
	var in jobs.Input
	if r := m.GetRange(); r != nil {
		in.Range = &jobs.Range{From: r.GetFrom(), To: r.GetTo(), Step: r.GetStep()}
	}
	b := m.GetBlob()
	if b == nil {
		return in, nil
	}
	ref, err := refFromProto("input.blob", b.GetBlob())
	if err != nil {
		return in, err
	}
	in.Blob = &jobs.BlobInput{Blob: ref, ShardSize: b.GetShardSize()}
	if b.GetIndex() != nil {
		index, err := refFromProto("input.blob.index", b.GetIndex())
		if err != nil {
			return in, err
		}
		in.Blob.Index = &index
	}
	return in, nil
}

func specToProto(s jobs.Spec) *anthillv1.JobSpec {
	m := &anthillv1.JobSpec{
		Name: s.Name, Bundle: refToProto(s.Bundle), Args: s.Args, Env: maps.Clone(s.Env), Input: &anthillv1.Input{},
		Limits: &anthillv1.Limits{Time: durationpb.New(s.Limits.Time), Memory: s.Limits.Memory, Output: s.Limits.Output, Fuel: s.Limits.Fuel},
		Trust:  trustToProto(s.Trust), Metering: s.Metering, UnknownImports: unknownImportsToProto(s.UnknownImports),
	}
	if r := s.Input.Range; r != nil {
		m.Input.Source = &anthillv1.Input_Range{Range: &anthillv1.RangeInput{From: r.From, To: r.To, Step: r.Step}}
	}
	if b := s.Input.Blob; b != nil {
		in := &anthillv1.BlobInput{Blob: refToProto(b.Blob), ShardSize: b.ShardSize}
		if b.Index != nil {
			in.Index = refToProto(*b.Index)
		}
		m.Input.Source = &anthillv1.Input_Blob{Blob: in}
	}
	for _, d := range s.Data {
		m.Data = append(m.Data, &anthillv1.DataFile{Name: d.Name, Blob: refToProto(d.Blob)})
	}
	return m
}

func jobToProto(st *jobs.State, id jobs.JobID, j *jobs.Job) *anthillv1.Job {
	m := &anthillv1.Job{
		Id: string(id), Spec: specToProto(j.Spec), Owner: string(j.Owner), State: anthillv1.JobState(j.State),
		Reason: j.Reason, SubmittedAt: timestamppb.New(j.Submitted.Std()), Tasks: countTasks(j),
		Attempts: &anthillv1.AttemptCounts{
			Started: j.Attempts.Started, Agreed: j.Attempts.Agreed, Outvoted: j.Attempts.Outvoted,
			Killed: j.Attempts.Killed, Lost: j.Attempts.Lost, Extra: j.Attempts.Extra,
		},
		Fetched: &anthillv1.Traffic{
			FromSubmitter: j.Fetched.FromSubmitter, FromCoordinators: j.Fetched.FromCoordinators, FromWorkers: j.Fetched.FromWorkers,
		},
		InputCopies: uint32(j.InputCopies()), InputCopiesNeeded: uint32(st.CopiesNeeded()),
		InputOwners: uint32(st.HolderOwners(j.InputHolders)), InputOwnersNeeded: uint32(st.OwnersNeeded()),
		Bound: shareToProto(st.Bound(j)), Short: j.Short,
		FuelUsed: j.Fuel.Uint64(), FuelEstimate: j.FuelEstimate(),
	}
	if j.Finished != 0 {
		m.FinishedAt = timestamppb.New(j.Finished.Std())
	}
	return m
}

func countTasks(j *jobs.Job) *anthillv1.TaskCounts {
	counts := &anthillv1.TaskCounts{
		Total: uint32(j.Total()), Done: uint32(j.Done()), Accepted: uint32(j.Accepted()), Disputed: uint32(j.Disputed()),
		Disputes: uint32(j.Disputes), Reopened: uint32(j.Reopened), Changed: uint32(j.Changed),
	}
	for _, t := range j.Open {
		if t.Running() > 0 {
			counts.Running++
		}
	}
	return counts
}

// taskToProto describes a task by its index, which the report does not know.
func taskToProto(task uint32, r jobs.TaskReport, fuel map[jobs.LeaseID]uint64) *anthillv1.GetTaskResponse {
	m := &anthillv1.GetTaskResponse{Task: task, Verdict: r.Verdict, Output: outputToProto(r.Output), Credibility: shareToProto(r.Credibility)}
	for i, g := range r.Groups {
		m.Groups = append(m.Groups, &anthillv1.VoteGroup{
			Group: uint32(i), Output: outputToProto(g.Vote.Output), Failed: g.Vote.Failed, ExitCode: g.Vote.ExitCode,
			Credibility: shareToProto(g.Credibility), Fuel: g.Vote.Fuel,
		})
	}
	for _, a := range r.Attempts {
		state := attemptStates[a.State]
		if a.Paused {
			state = "paused"
		}
		m.Attempts = append(m.Attempts, &anthillv1.TaskAttempt{
			NodeId: string(a.Worker), Owner: string(a.Owner), State: state, Group: uint32(a.Group),
			Reason: a.Reason, Credibility: shareToProto(a.Credibility), Fuel: fuel[a.Lease],
		})
	}
	return m
}

// outputToProto gives none for the output of an open task or of a failure.
func outputToProto(r blob.Ref) *anthillv1.BlobRef {
	if r.ID.IsZero() {
		return nil
	}
	return refToProto(r)
}

// attemptStates are the states of attempts in the words of the wire.
var attemptStates = map[jobs.AttemptState]string{
	jobs.AttemptRunning:  "running",
	jobs.AttemptVoted:    "voted",
	jobs.AttemptOutvoted: "outvoted",
	jobs.AttemptKilled:   "killed",
	jobs.AttemptLost:     "lost",
	jobs.AttemptVoid:     "void",
}

func eventsToProto(events []jobs.Event, since uint64) []*anthillv1.Event {
	var list []*anthillv1.Event
	for _, e := range events {
		if e.Sequence >= since {
			list = append(list, &anthillv1.Event{
				Sequence: e.Sequence, At: timestamppb.New(e.At.Std()), Kind: anthillv1.EventKind(e.Kind),
				Text: e.Text, Owner: string(e.Owner),
			})
		}
	}
	return list
}

func reportFromProto(m *anthillv1.AttemptReport, worker jobs.NodeID) (jobs.Report, error) {
	output, err := refFromProto("reports.output", m.GetOutput())
	if err != nil {
		return jobs.Report{}, err
	}
	status := jobs.AttemptStatus(m.GetStatus())
	if status < jobs.Succeeded || status > jobs.Lost {
		return jobs.Report{}, badField("reports.status", "%v is not a status", m.GetStatus())
	}
	if status == jobs.Succeeded && output.ID.IsZero() {
		return jobs.Report{}, badField("reports.output", "a success needs one")
	}
	reason := m.GetReason()
	return jobs.Report{
		Lease: jobs.LeaseID(m.GetLease()), Worker: worker, Status: status, ExitCode: m.GetExitCode(), Output: output, Fuel: m.GetFuel(),
		Reason: strings.ToValidUTF8(reason[:min(len(reason), jobs.MaxReason)], ""),
		Fetched: jobs.Traffic{
			FromSubmitter:    max(0, m.GetFetched().GetFromSubmitter()),
			FromCoordinators: max(0, m.GetFetched().GetFromCoordinators()),
			FromWorkers:      max(0, m.GetFetched().GetFromWorkers()),
		},
	}, nil
}
