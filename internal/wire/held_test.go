package wire

import (
	"errors"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

func anyHeld(t *rapid.T) (held []jobs.HeldResults) {
	for range rapid.IntRange(0, 2).Draw(t, "jobs") {
		held = append(held, jobs.HeldResults{Job: jobs.JobID(rapid.String().Draw(t, "job")), Sequences: []jobs.Sequence{jobs.Sequence(rapid.Uint32().Draw(t, "sequence"))}})
	}
	return held
}

func anyAway(t *rapid.T) (away []jobs.NodeID) {
	for range rapid.IntRange(0, 2).Draw(t, "away") {
		away = append(away, jobs.NodeID(rapid.String().Draw(t, "node")))
	}
	return away
}

func TestConfirmSurvivesTheWire(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := jobs.ConfirmHeld{Coordinator: "c", Lost: rapid.Bool().Draw(t, "lost"), Results: anyHeld(t), Missing: anyHeld(t), Slow: rapid.Bool().Draw(t, "slow"), Away: anyAway(t)}
		for range rapid.IntRange(0, 2).Draw(t, "rest") {
			c.Inputs = append(c.Inputs, jobs.JobID(rapid.String().Draw(t, "input")))
			c.Blobs, c.Sizes = append(c.Blobs, anyRef(t).ID), append(c.Sizes, anyRef(t))
			c.Refused = append(c.Refused, jobs.RefusedJob{Job: "j", Reason: rapid.String().Draw(t, "reason")})
		}
		got, err := ConfirmFromProto(sent(t, ConfirmToProto(c)), "c")
		if err != nil || !reflect.DeepEqual(got, c) {
			t.Errorf("got  %+v, %v\nwant %+v", got, err, c)
		}
	})
}

func TestConfirmFromProtoNamesTheField(t *testing.T) {
	for field, m := range map[string]*anthillv1.ConfirmHeldRequest{
		"blobs": {Blobs: [][]byte{make([]byte, 31)}},
		"sizes": {Sizes: []*anthillv1.BlobRef{{Id: make([]byte, 32), Size: blob.MaxSize + 1}}},
	} {
		_, err := ConfirmFromProto(m, "c")
		var r *jobs.Rejection
		if !errors.As(err, &r) || r.Subject != field {
			t.Errorf("%s: got %v", field, err)
		}
	}
}
