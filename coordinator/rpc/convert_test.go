package rpc

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

func anyRef(t *rapid.T) blob.Ref {
	var r blob.Ref
	copy(r.ID[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "id"))
	r.Size = rapid.Int64Range(0, blob.MaxSize).Draw(t, "size")
	return r
}

func anySpec(t *rapid.T) jobs.Spec {
	s := jobs.Spec{
		Name: rapid.String().Draw(t, "name"), Bundle: anyRef(t),
		Args:   rapid.SliceOfN(rapid.String(), 0, 3).Draw(t, "args"),
		Env:    rapid.MapOfN(rapid.String(), rapid.String(), 0, 3).Draw(t, "env"),
		Limits: jobs.Limits{Time: time.Duration(rapid.Int64().Draw(t, "time")), Memory: rapid.Int64().Draw(t, "memory"), Output: rapid.Int64().Draw(t, "output")},
		Trust:  jobs.Trust{Replicas: rapid.Uint32().Draw(t, "r"), Quorum: rapid.Uint32().Draw(t, "q"), MaxAttempts: rapid.Uint32().Draw(t, "m")},
	}
	switch rapid.IntRange(0, 2).Draw(t, "input") {
	case 0:
		s.Input.Range = &jobs.Range{From: rapid.Int64().Draw(t, "from"), To: rapid.Int64().Draw(t, "to"), Step: rapid.Int64().Draw(t, "step")}
	case 1:
		s.Input.Blob = &jobs.BlobInput{Blob: anyRef(t), ShardSize: rapid.Int64().Draw(t, "shard")}
	case 2:
		index := anyRef(t)
		s.Input.Blob = &jobs.BlobInput{Blob: anyRef(t), Index: &index}
	}
	for range rapid.IntRange(0, 2).Draw(t, "data") {
		s.Data = append(s.Data, jobs.DataFile{Name: rapid.String().Draw(t, "file"), Blob: anyRef(t)})
	}
	return s
}

func TestSpecSurvivesTheWire(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec := anySpec(t)
		wire, err := proto.Marshal(specToProto(spec))
		if err != nil {
			t.Fatal(err)
		}
		var m anthillv1.JobSpec
		if err := proto.Unmarshal(wire, &m); err != nil {
			t.Fatal(err)
		}
		got, err := specFromProto(&m)
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
		"bundle":           {Bundle: short},
		"input.blob":       {Input: input(&anthillv1.BlobInput{Blob: huge})},
		"input.blob.index": {Input: input(&anthillv1.BlobInput{Index: short})},
		"data.words":       {Data: []*anthillv1.DataFile{{Name: "words", Blob: short}}},
	} {
		_, err := specFromProto(spec)
		var r *jobs.Rejection
		if !errors.As(err, &r) || r.Code != jobs.Invalid || r.Subject != field {
			t.Errorf("%s: got %v", field, err)
		}
	}
	for _, empty := range []*anthillv1.JobSpec{nil, {}, {Input: &anthillv1.Input{}}} {
		if s, err := specFromProto(empty); err != nil || s.WithDefaults().Validate() == nil {
			t.Errorf("an empty spec: %+v, %v; want it refused by Validate", s, err)
		}
	}
}

func TestReportFromProto(t *testing.T) {
	ok := anthillv1.AttemptStatus_ATTEMPT_STATUS_SUCCEEDED
	id := blob.Of([]byte("x")).ID()
	for _, m := range []*anthillv1.AttemptReport{
		{},
		{Status: 5},
		{Status: ok},
		{Status: ok, Output: &anthillv1.BlobRef{Id: id[:], Size: -1}},
		{Status: ok, Output: &anthillv1.BlobRef{Id: id[:9]}},
	} {
		if r, err := reportFromProto(m, "w"); err == nil {
			t.Errorf("%v became %+v", m, r)
		}
	}
	r, err := reportFromProto(&anthillv1.AttemptReport{
		Lease: 7, Status: anthillv1.AttemptStatus_ATTEMPT_STATUS_FAILED, ExitCode: 3, Reason: strings.Repeat("é", jobs.MaxReason),
		Fetched: &anthillv1.Traffic{FromSubmitter: -5, FromWorkers: 9},
	}, "w")
	if err != nil || r.Lease != 7 || r.Worker != "w" || r.Status != jobs.Crashed || r.ExitCode != 3 {
		t.Errorf("got %+v, %v", r, err)
	}
	if len(r.Reason) > jobs.MaxReason || !utf8.ValidString(r.Reason) || len(r.Reason) < jobs.MaxReason-4 {
		t.Errorf("the reason has %d bytes", len(r.Reason))
	}
	if r.Fetched != (jobs.Traffic{FromWorkers: 9}) {
		t.Errorf("fetched %+v, want nothing negative", r.Fetched)
	}
}

func TestCheckAddress(t *testing.T) {
	for address, ok := range map[string]bool{
		"": true, "host:1": true, "[::1]:80": true, "10.0.0.1:7700": true,
		"host": false, "a:b:c": false, strings.Repeat("h", 300) + ":1": false,
	} {
		if err := checkAddress("address", address); (err == nil) != ok {
			t.Errorf("%.40q: %v", address, err)
		}
	}
}

// The domain's enums are the wire's, number by number: conversions rely on it.
func TestEnumsAgreeWithTheWire(t *testing.T) {
	for n, name := range anthillv1.Role_name {
		if n != 0 && "ROLE_"+strings.ToUpper(jobs.Role(n).String()) != name {
			t.Errorf("role %d is %v and %s", n, jobs.Role(n), name)
		}
	}
	for n, name := range anthillv1.JobState_name {
		if n != 0 && "JOB_STATE_"+strings.ToUpper(jobs.JobState(n).String()) != name {
			t.Errorf("job state %d is %v and %s", n, jobs.JobState(n), name)
		}
	}
	if jobs.Succeeded != 1 || jobs.Crashed != 2 || jobs.Killed != 3 || jobs.Lost != 4 || len(anthillv1.AttemptStatus_name) != 5 {
		t.Error("attempt statuses differ")
	}
	if jobs.EventDisputed != 1 || jobs.EventBanned != 2 || jobs.EventFinished != 3 || len(anthillv1.EventKind_name) != 4 {
		t.Error("event kinds differ")
	}
}
