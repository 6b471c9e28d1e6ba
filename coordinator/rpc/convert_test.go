package rpc

import (
	"errors"
	"math"
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
		Args:     rapid.SliceOfN(rapid.String(), 0, 3).Draw(t, "args"),
		Env:      rapid.MapOfN(rapid.String(), rapid.String(), 0, 3).Draw(t, "env"),
		Limits:   jobs.Limits{Time: time.Duration(rapid.Int64().Draw(t, "time")), Memory: rapid.Int64().Draw(t, "memory"), Output: rapid.Int64().Draw(t, "output"), Fuel: rapid.Int64().Draw(t, "fuel")},
		Metering: rapid.Uint32().Draw(t, "metering"),
		Trust:    jobs.Trust{Replicas: rapid.Uint32().Draw(t, "r"), Quorum: rapid.Uint32().Draw(t, "q"), MaxAttempts: rapid.Uint32().Draw(t, "m"), MaxError: jobs.Prob(rapid.Int64Range(0, int64(jobs.One)-1).Draw(t, "e"))},

		UnknownImports: jobs.UnknownImports(rapid.IntRange(0, int(jobs.TrapUnknown)).Draw(t, "u")),
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

func TestMaxErrorFromProto(t *testing.T) {
	for wire, want := range map[float64]jobs.Prob{
		0: 0, 1e-4: 100_000, 0.0001000000004: 100_000, 1e-9: 1, 0.6e-9: 1, 0.3: 300_000_000, 0.999999999: jobs.One - 1,
	} {
		got, err := specFromProto(&anthillv1.JobSpec{Trust: &anthillv1.Trust{MaxError: wire}})
		if err != nil || got.Trust.MaxError != want {
			t.Errorf("%v: got %v, %v; want %v", wire, got.Trust.MaxError, err, want)
		}
	}
	for _, wire := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1e-4, 1, 2, 0.9999999999, 1e-10, -1e-30} {
		_, err := specFromProto(&anthillv1.JobSpec{Trust: &anthillv1.Trust{MaxError: wire}})
		var r *jobs.Rejection
		if !errors.As(err, &r) || r.Code != jobs.Invalid || r.Subject != "trust.max_error" || r.Next == "" {
			t.Errorf("%v: got %v", wire, err)
		}
	}
}

func TestJobToProto(t *testing.T) {
	st := jobs.NewState()
	j := &jobs.Job{
		Spec:  jobs.Spec{Trust: jobs.Trust{MaxError: 100_000}, Input: jobs.Input{Range: &jobs.Range{To: 9, Step: 1}}},
		State: jobs.JobSucceeded, Bound: 200_000, Short: "start more workers", Count: 5, Unheld: map[uint32][]jobs.NodeID{0: nil},
		Disputes: 1, Reopened: 2, Changed: 3, Attempts: jobs.AttemptCounts{Started: 8, Extra: 4},
		Open: map[uint32]*jobs.Task{7: {Disputed: true}}, Fuel: jobs.FuelSum{Low: 500},
	}
	st.Holders, j.InputHolders = []jobs.NodeID{"c1", "c2"}, 3
	st.Nodes["c1"], st.Nodes["c2"] = &jobs.Node{Owner: "ops"}, &jobs.Node{Owner: "ops"}
	m := jobToProto(st, "j", j)
	if m.GetInputCopies() != 2 || m.GetInputOwners() != 1 || m.GetInputOwnersNeeded() != 1 {
		t.Errorf("%d copies with %d owners of %d", m.GetInputCopies(), m.GetInputOwners(), m.GetInputOwnersNeeded())
	}
	if m.GetBound() != 2e-4 || m.GetShort() != j.Short || m.GetSpec().GetTrust().GetMaxError() != 1e-4 || m.GetAttempts().GetExtra() != 4 {
		t.Errorf("got %v", m)
	}
	if m.GetFuelUsed() != 500 || m.GetFuelEstimate() != 900 {
		t.Errorf("fuel %d of about %d, want 500 of 900", m.GetFuelUsed(), m.GetFuelEstimate())
	}
	want := &anthillv1.TaskCounts{Total: 9, Done: 4, Accepted: 5, Disputed: 1, Disputes: 1, Reopened: 2, Changed: 3}
	if !proto.Equal(m.GetTasks(), want) {
		t.Errorf("tasks %v, want %v", m.GetTasks(), want)
	}
	j.Spec.Trust, j.Bound = jobs.Trust{Replicas: 2, Quorum: 2, MaxAttempts: 5}, 0
	if m := jobToProto(st, "j", j); m.GetBound() != 0 || m.GetSpec().GetTrust().GetMaxError() != 0 {
		t.Errorf("fixed replication promises a bound: %v", m)
	}
}

func TestTaskToProto(t *testing.T) {
	output := blob.Of([]byte("x")).Ref()
	m := taskToProto(7, jobs.TaskReport{
		Verdict: "accepted", Output: output, Credibility: jobs.One - 1,
		Groups: []jobs.VoteGroup{{Vote: jobs.Vote{Output: output, Fuel: 9}, Credibility: jobs.One - 1}, {Vote: jobs.Vote{Failed: true, ExitCode: 3}, Credibility: 1}},
		Attempts: []jobs.TaskAttempt{
			{Worker: "w1", Owner: "ann", State: jobs.AttemptOutvoted, Group: 1, Credibility: 500_000_000},
			{Worker: "w2", Owner: "bob", State: jobs.AttemptLost, Reason: "gone"},
			{Worker: "w3", Owner: "eve", State: jobs.AttemptRunning, Paused: true, Lease: 3},
		},
	}, map[jobs.LeaseID]uint64{3: 17})
	want := &anthillv1.GetTaskResponse{
		Task: 7, Verdict: "accepted", Output: refToProto(output), Credibility: 0.999999999,
		Groups: []*anthillv1.VoteGroup{
			{Output: refToProto(output), Credibility: 0.999999999, Fuel: 9}, {Group: 1, Failed: true, ExitCode: 3, Credibility: 1e-9},
		},
		Attempts: []*anthillv1.TaskAttempt{
			{NodeId: "w1", Owner: "ann", State: "outvoted", Group: 1, Credibility: 0.5}, {NodeId: "w2", Owner: "bob", State: "lost", Reason: "gone"},
			{NodeId: "w3", Owner: "eve", State: "paused", Fuel: 17},
		},
	}
	if !proto.Equal(m, want) {
		t.Errorf("got  %v\nwant %v", m, want)
	}
	if m := taskToProto(0, jobs.TaskReport{}, nil); m.Output != nil {
		t.Errorf("an open task has the output %v", m.GetOutput())
	}
	for state := jobs.AttemptRunning; state <= jobs.AttemptOutvoted; state++ {
		if attemptStates[state] == "" {
			t.Errorf("attempt state %d has no name", state)
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
		Lease: 7, Status: anthillv1.AttemptStatus_ATTEMPT_STATUS_FAILED, ExitCode: 3, Reason: strings.Repeat("é", jobs.MaxReason), Fuel: 1 << 63,
		Fetched: &anthillv1.Traffic{FromSubmitter: -5, FromWorkers: 9},
	}, "w")
	if err != nil || r.Lease != 7 || r.Worker != "w" || r.Status != jobs.Crashed || r.ExitCode != 3 || r.Fuel != 1<<63 {
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
	kinds := map[jobs.EventKind]anthillv1.EventKind{
		jobs.EventDisputed: anthillv1.EventKind_EVENT_KIND_DISPUTED, jobs.EventBanned: anthillv1.EventKind_EVENT_KIND_BANNED,
		jobs.EventFinished: anthillv1.EventKind_EVENT_KIND_FINISHED, jobs.EventReopened: anthillv1.EventKind_EVENT_KIND_REOPENED,
		jobs.EventChanged: anthillv1.EventKind_EVENT_KIND_CHANGED, jobs.EventDoubted: anthillv1.EventKind_EVENT_KIND_DOUBTED,
	}
	for kind, wire := range kinds {
		if anthillv1.EventKind(kind) != wire {
			t.Errorf("event kind %d is %v", kind, wire)
		}
	}
	if len(kinds) != len(anthillv1.EventKind_name)-1 {
		t.Error("this test does not know all kinds of events")
	}
}
