package wire

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

func anyInput(t *rapid.T) jobs.Input {
	switch rapid.IntRange(0, 2).Draw(t, "input") {
	case 0:
		return jobs.Input{Range: &jobs.Range{From: rapid.Int64().Draw(t, "from"), To: rapid.Int64().Draw(t, "to"), Step: rapid.Int64().Draw(t, "step")}}
	case 1:
		return jobs.Input{Blob: &jobs.BlobInput{Blob: anyRef(t), ShardSize: rapid.Int64().Draw(t, "shard")}}
	}
	index, labels := anyRef(t), anyRef(t)
	in := jobs.Input{Blob: &jobs.BlobInput{Blob: anyRef(t), Index: &index}}
	if rapid.Bool().Draw(t, "labelled") {
		in.Blob.Labels = &labels
	}
	return in
}

func TestInputSurvivesTheWire(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := anyInput(t)
		got, err := InputFromProto(sent(t, InputToProto(in)))
		if err != nil || !reflect.DeepEqual(got, in) {
			t.Errorf("got %+v, %v, want %+v", got, err, in)
		}
	})
}

func TestInputWithoutASource(t *testing.T) {
	for _, m := range []*anthillv1.Input{nil, {}} {
		if in, err := InputFromProto(m); err != nil || in != (jobs.Input{}) {
			t.Errorf("got %+v, %v", in, err)
		}
	}
}
