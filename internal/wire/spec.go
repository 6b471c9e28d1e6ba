package wire

import (
	"maps"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// SpecToProto describes a job.
func SpecToProto(s jobs.Spec) *anthillv1.JobSpec {
	m := &anthillv1.JobSpec{
		Name: s.Name, Bundle: RefToProto(s.Bundle), Args: s.Args, Env: maps.Clone(s.Env), Input: InputToProto(s.Input),
		Limits: limitsToProto(s.Limits), Trust: trustToProto(s.Trust), Metering: s.Metering, UnknownImports: unknownImportsToProto(s.UnknownImports),
		AllowFailed: s.AllowFailed, AllowFailedShare: ShareToProto(s.AllowFailedShare), RetryOf: string(s.RetryOf), Retain: spanToProto(s.Retain),
		Secret: s.Secret, InputWait: spanToProto(s.InputWait),
	}
	for _, d := range s.Data {
		m.Data = append(m.Data, &anthillv1.DataFile{Name: d.Name, Blob: RefToProto(d.Blob)})
	}
	return m
}

// SpecFromProto reads what a submitter asks for; what it left out is zero.
func SpecFromProto(m *anthillv1.JobSpec) (jobs.Spec, error) {
	s := jobs.Spec{
		Name: m.GetName(), Args: m.GetArgs(), Env: m.GetEnv(), Limits: limitsFromProto(m.GetLimits()), Metering: m.GetMetering(),
		AllowFailed: m.GetAllowFailed(), RetryOf: jobs.JobID(m.GetRetryOf()), Retain: m.GetRetain().AsDuration(),
		Secret: m.GetSecret(), InputWait: m.GetInputWait().AsDuration(),
	}
	var err error
	if s.AllowFailedShare, err = partFromProto("allow_failed", m.GetAllowFailedShare()); err != nil {
		return jobs.Spec{}, err
	}
	if s.Bundle, err = RefFromProto("bundle", m.GetBundle()); err != nil {
		return jobs.Spec{}, err
	}
	if s.Input, err = InputFromProto(m.GetInput()); err != nil {
		return jobs.Spec{}, err
	}
	if s.Trust, err = trustFromProto(m.GetTrust()); err != nil {
		return jobs.Spec{}, err
	}
	if s.UnknownImports, err = unknownImportsFromProto(m.GetUnknownImports()); err != nil {
		return jobs.Spec{}, err
	}
	if s.Data, err = DataFromProto(m.GetData()); err != nil {
		return jobs.Spec{}, err
	}
	return s, nil
}

// DataFromProto reads a job's data files.
func DataFromProto(list []*anthillv1.DataFile) (files []jobs.DataFile, err error) {
	for _, d := range list {
		ref, err := RefFromProto("data."+d.GetName(), d.GetBlob())
		if err != nil {
			return nil, err
		}
		files = append(files, jobs.DataFile{Name: d.GetName(), Blob: ref})
	}
	return files, nil
}

// spanToProto leaves out what was left out.
func spanToProto(d time.Duration) *durationpb.Duration {
	if d == 0 {
		return nil
	}
	return durationpb.New(d)
}

func limitsToProto(l jobs.Limits) *anthillv1.Limits {
	return &anthillv1.Limits{Time: durationpb.New(l.Time), Memory: l.Memory, Output: l.Output, Fuel: l.Fuel}
}

func limitsFromProto(m *anthillv1.Limits) jobs.Limits {
	return jobs.Limits{Time: m.GetTime().AsDuration(), Memory: m.GetMemory(), Output: m.GetOutput(), Fuel: m.GetFuel()}
}

func trustToProto(t jobs.Trust) *anthillv1.Trust {
	return &anthillv1.Trust{
		Replicas: t.Replicas, Quorum: t.Quorum, MaxAttempts: t.MaxAttempts, MaxError: ShareToProto(t.MaxError),
	}
}

func trustFromProto(m *anthillv1.Trust) (jobs.Trust, error) {
	maxError, err := ShareFromProto("trust.max_error", m.GetMaxError())
	return jobs.Trust{
		Replicas: m.GetReplicas(), Quorum: m.GetQuorum(), MaxAttempts: m.GetMaxAttempts(), MaxError: maxError,
	}, err
}

func unknownImportsToProto(u jobs.UnknownImports) anthillv1.UnknownImports {
	if u == jobs.TrapUnknown {
		return anthillv1.UnknownImports_UNKNOWN_IMPORTS_TRAP
	}
	return anthillv1.UnknownImports_UNKNOWN_IMPORTS_REFUSE
}

// unknownImportsFromProto takes a choice that was left out for refusing.
func unknownImportsFromProto(m anthillv1.UnknownImports) (jobs.UnknownImports, error) {
	switch m {
	case anthillv1.UnknownImports_UNKNOWN_IMPORTS_UNSPECIFIED, anthillv1.UnknownImports_UNKNOWN_IMPORTS_REFUSE:
		return jobs.RefuseUnknown, nil
	case anthillv1.UnknownImports_UNKNOWN_IMPORTS_TRAP:
		return jobs.TrapUnknown, nil
	}
	return 0, jobs.InvalidField("unknown_imports", "%d is none of the choices", m)
}
