package wire

import (
	"errors"
	"math"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

func anySpec(t *rapid.T) jobs.Spec {
	s := jobs.Spec{
		Name: rapid.String().Draw(t, "name"), Bundle: anyRef(t), Input: anyInput(t),
		Args:     rapid.SliceOfN(rapid.String(), 0, 3).Draw(t, "args"),
		Env:      rapid.MapOfN(rapid.String(), rapid.String(), 0, 3).Draw(t, "env"),
		Limits:   jobs.Limits{Time: time.Duration(rapid.Int64().Draw(t, "time")), Memory: rapid.Int64().Draw(t, "memory"), Output: rapid.Int64().Draw(t, "output"), Fuel: rapid.Int64().Draw(t, "fuel")},
		Metering: rapid.Uint32().Draw(t, "metering"),
		Trust:    jobs.Trust{Replicas: rapid.Uint32().Draw(t, "r"), Quorum: rapid.Uint32().Draw(t, "q"), MaxAttempts: rapid.Uint32().Draw(t, "m"), MaxError: jobs.Prob(rapid.Int64Range(0, int64(jobs.One)-1).Draw(t, "e"))},

		RetryOf:     jobs.JobID(rapid.String().Draw(t, "retry")),
		AllowFailed: rapid.Uint32().Draw(t, "failed"), AllowFailedShare: jobs.Prob(rapid.Int64Range(0, int64(jobs.One)).Draw(t, "share")),
		UnknownImports: jobs.UnknownImports(rapid.IntRange(0, int(jobs.TrapUnknown)).Draw(t, "u")),
	}
	for range rapid.IntRange(0, 2).Draw(t, "data") {
		s.Data = append(s.Data, jobs.DataFile{Name: rapid.String().Draw(t, "file"), Blob: anyRef(t)})
	}
	return s
}

func TestSpecSurvivesTheWire(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec := anySpec(t)
		got, err := SpecFromProto(sent(t, SpecToProto(spec)))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []*jobs.Spec{&spec, &got} { // nil and empty are the same on the wire
			if len(s.Args) == 0 {
				s.Args = nil
			}
			if len(s.Env) == 0 {
				s.Env = nil
			}
		}
		if !reflect.DeepEqual(got, spec) {
			t.Errorf("got  %+v\nwant %+v", got, spec)
		}
	})
}

func TestSpecFromProtoNamesTheField(t *testing.T) {
	short, huge := &anthillv1.BlobRef{Id: []byte("short")}, &anthillv1.BlobRef{Id: make([]byte, 32), Size: blob.MaxSize + 1}
	input := func(b *anthillv1.BlobInput) *anthillv1.Input {
		return &anthillv1.Input{Source: &anthillv1.Input_Blob{Blob: b}}
	}
	for field, spec := range map[string]*anthillv1.JobSpec{
		"bundle":            {Bundle: short},
		"input.blob":        {Input: input(&anthillv1.BlobInput{Blob: huge})},
		"input.blob.index":  {Input: input(&anthillv1.BlobInput{Index: short})},
		"input.blob.labels": {Input: input(&anthillv1.BlobInput{Labels: short})},
		"allow_failed":      {AllowFailedShare: math.NaN()},
		"data.words":        {Data: []*anthillv1.DataFile{{Name: "words", Blob: short}}},
	} {
		_, err := SpecFromProto(spec)
		var r *jobs.Rejection
		if !errors.As(err, &r) || r.Code != jobs.Invalid || r.Subject != field {
			t.Errorf("%s: got %v", field, err)
		}
	}
	for _, empty := range []*anthillv1.JobSpec{nil, {}, {Input: &anthillv1.Input{}}} {
		if s, err := SpecFromProto(empty); err != nil || s.WithDefaults().Validate() == nil {
			t.Errorf("an empty spec: %+v, %v; want it refused by Validate", s, err)
		}
	}
}

func TestMaxErrorFromProto(t *testing.T) {
	for wire, want := range map[float64]jobs.Prob{
		0: 0, 1e-4: 100_000, 0.0001000000004: 100_000, 1e-9: 1, 0.6e-9: 1, 0.3: 300_000_000, 0.999999999: jobs.One - 1,
	} {
		got, err := SpecFromProto(&anthillv1.JobSpec{Trust: &anthillv1.Trust{MaxError: wire}})
		if err != nil || got.Trust.MaxError != want {
			t.Errorf("%v: got %v, %v; want %v", wire, got.Trust.MaxError, err, want)
		}
	}
	for _, wire := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1e-4, 1, 2, 0.9999999999, 1e-10, -1e-30} {
		_, err := SpecFromProto(&anthillv1.JobSpec{Trust: &anthillv1.Trust{MaxError: wire}})
		var r *jobs.Rejection
		if !errors.As(err, &r) || r.Code != jobs.Invalid || r.Subject != "trust.max_error" || r.Next == "" {
			t.Errorf("%v: got %v", wire, err)
		}
	}
}
