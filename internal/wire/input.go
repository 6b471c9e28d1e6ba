package wire

import (
	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// InputToProto says what a job's tasks read.
func InputToProto(in jobs.Input) *anthillv1.Input {
	m := &anthillv1.Input{}
	if r := in.Range; r != nil {
		m.Source = &anthillv1.Input_Range{Range: &anthillv1.RangeInput{From: r.From, To: r.To, Step: r.Step}}
	}
	if b := in.Blob; b != nil {
		source := &anthillv1.BlobInput{Blob: RefToProto(b.Blob), ShardSize: b.ShardSize}
		if b.Index != nil {
			source.Index = RefToProto(*b.Index)
		}
		if b.Labels != nil {
			source.Labels = RefToProto(*b.Labels)
		}
		m.Source = &anthillv1.Input_Blob{Blob: source}
	}
	return m
}

// InputFromProto reads what a job's tasks read; an Input without a source if
// the message has none.
func InputFromProto(m *anthillv1.Input) (jobs.Input, error) {
	var in jobs.Input
	if r := m.GetRange(); r != nil {
		in.Range = &jobs.Range{From: r.GetFrom(), To: r.GetTo(), Step: r.GetStep()}
	}
	b := m.GetBlob()
	if b == nil {
		return in, nil
	}
	ref, err := RefFromProto("input.blob", b.GetBlob())
	if err != nil {
		return in, err
	}
	in.Blob = &jobs.BlobInput{Blob: ref, ShardSize: b.GetShardSize()}
	if in.Blob.Index, err = optionalRef("input.blob.index", b.GetIndex()); err != nil {
		return in, err
	}
	in.Blob.Labels, err = optionalRef("input.blob.labels", b.GetLabels())
	return in, err
}

// optionalRef is nil where there is none.
func optionalRef(field string, m *anthillv1.BlobRef) (*blob.Ref, error) {
	if m == nil {
		return nil, nil
	}
	ref, err := RefFromProto(field, m)
	return &ref, err
}
