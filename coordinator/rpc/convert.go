package rpc

import (
	"fmt"
	"maps"
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
	s := jobs.Spec{
		Name: m.GetName(), Bundle: bundle, Args: m.GetArgs(), Env: m.GetEnv(), Input: input,
		Limits: jobs.Limits{Time: m.GetLimits().GetTime().AsDuration(), Memory: m.GetLimits().GetMemory(), Output: m.GetLimits().GetOutput()},
		Trust:  jobs.Trust{Replicas: m.GetTrust().GetReplicas(), Quorum: m.GetTrust().GetQuorum(), MaxAttempts: m.GetTrust().GetMaxAttempts()},
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
		Limits: &anthillv1.Limits{Time: durationpb.New(s.Limits.Time), Memory: s.Limits.Memory, Output: s.Limits.Output},
		Trust:  &anthillv1.Trust{Replicas: s.Trust.Replicas, Quorum: s.Trust.Quorum, MaxAttempts: s.Trust.MaxAttempts},
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
			Killed: j.Attempts.Killed, Lost: j.Attempts.Lost,
		},
		Fetched: &anthillv1.Traffic{
			FromSubmitter: j.Fetched.FromSubmitter, FromCoordinators: j.Fetched.FromCoordinators, FromWorkers: j.Fetched.FromWorkers,
		},
		InputCopies: uint32(j.InputCopies()), InputCopiesNeeded: uint32(st.CopiesNeeded()),
	}
	if j.Finished != 0 {
		m.FinishedAt = timestamppb.New(j.Finished.Std())
	}
	return m
}

func countTasks(j *jobs.Job) *anthillv1.TaskCounts {
	counts := &anthillv1.TaskCounts{Total: uint32(j.Total()), Done: uint32(j.Done()), Accepted: uint32(len(j.Order))}
	for _, t := range j.Open {
		if t.Running() > 0 {
			counts.Running++
		}
		if t.Disputed {
			counts.Disputed++
		}
	}
	return counts
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
		Lease: jobs.LeaseID(m.GetLease()), Worker: worker, Status: status, ExitCode: m.GetExitCode(), Output: output,
		Reason: strings.ToValidUTF8(reason[:min(len(reason), jobs.MaxReason)], ""),
		Fetched: jobs.Traffic{
			FromSubmitter:    max(0, m.GetFetched().GetFromSubmitter()),
			FromCoordinators: max(0, m.GetFetched().GetFromCoordinators()),
			FromWorkers:      max(0, m.GetFetched().GetFromWorkers()),
		},
	}, nil
}
