package jobs

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
)

func TestValidate(t *testing.T) {
	many := make([]DataFile, 257)
	for i := range many {
		many[i] = DataFile{"f" + strings.Repeat("x", i%60) + string(rune('a'+i/60)), fakeRef("d")}
	}
	blobInput := func(size, shard int64, index *blob.Ref) func(*Spec) {
		return func(s *Spec) {
			s.Input = Input{Blob: &BlobInput{Blob: blob.Ref{ID: blob.ID{1}, Size: size}, ShardSize: shard, Index: index}}
		}
	}
	tests := []struct {
		name    string
		change  func(*Spec)
		subject string // "" is valid
	}{
		{"range", func(*Spec) {}, ""},
		{"shards", blobInput(100, 10, nil), ""},
		{"index", blobInput(100, 0, &blob.Ref{ID: blob.ID{2}, Size: 24}), ""},
		{"one huge shard", blobInput(100, math.MaxInt64, nil), ""},
		{"empty name", func(s *Spec) { s.Name = "" }, "name"},
		{"path as name", func(s *Spec) { s.Name = "../x" }, "name"},
		{"long name", func(s *Spec) { s.Name = strings.Repeat("x", 65) }, "name"},
		{"no bundle", func(s *Spec) { s.Bundle = blob.Ref{} }, "bundle"},
		{"empty bundle", func(s *Spec) { s.Bundle.Size = 0 }, "bundle"},
		{"no input", func(s *Spec) { s.Input = Input{} }, "input"},
		{"two inputs", func(s *Spec) { s.Input.Blob = &BlobInput{Blob: fakeRef("b"), ShardSize: 1} }, "input"},
		{"no blob", func(s *Spec) { s.Input = Input{Blob: &BlobInput{ShardSize: 1}} }, "input.blob"},
		{"no shard size", blobInput(100, 0, nil), "input.blob"},
		{"shards and index", blobInput(100, 1, &blob.Ref{ID: blob.ID{2}, Size: 24}), "input.blob"},
		{"crooked index", blobInput(100, 0, &blob.Ref{ID: blob.ID{2}, Size: 23}), "input.blob.index"},
		{"index of nothing", blobInput(100, 0, &blob.Ref{Size: 24}), "input.blob.index"},
		{"index of no task", blobInput(100, 0, &blob.Ref{ID: blob.ID{2}, Size: 8}), "input"},
		{"empty blob", blobInput(0, 10, nil), "input"},
		{"negative blob", blobInput(-5, 10, nil), "input"},
		{"empty range", func(s *Spec) { s.Input.Range.To = 0 }, "input"},
		{"no step", func(s *Spec) { s.Input.Range.Step = 0 }, "input"},
		{"too many tasks", func(s *Spec) { s.Input.Range.To = MaxTasks + 1 }, "input"},
		{"absurdly many tasks", func(s *Spec) { s.Input.Range = &Range{math.MinInt64, math.MaxInt64, 1} }, "input"},
		{"as many tasks as may be", func(s *Spec) { s.Input.Range.To = MaxTasks }, ""},
		{"variable without name", func(s *Spec) { s.Env = map[string]string{"": "x"} }, "env"},
		{"variable with =", func(s *Spec) { s.Env = map[string]string{"a=b": "x"} }, "env"},
		{"variable with zero byte", func(s *Spec) { s.Env = map[string]string{"a": "\x00"} }, "env"},
		{"argument with zero byte", func(s *Spec) { s.Args = []string{"a\x00"} }, "args"},
		{"long arguments", func(s *Spec) { s.Args = []string{strings.Repeat("x", MaxSpecBytes)} }, "args, env"},
		{"very many arguments", func(s *Spec) { s.Args = make([]string, MaxSpecBytes+1) }, "args, env"},
		{"data", func(s *Spec) { s.Data = []DataFile{{"a.txt", fakeRef("d")}, {"b", fakeRef("d")}} }, ""},
		{"data twice", func(s *Spec) { s.Data = []DataFile{{"a", fakeRef("d")}, {"a", fakeRef("e")}} }, "data"},
		{"data with a path", func(s *Spec) { s.Data = []DataFile{{"a/b", fakeRef("d")}} }, "data"},
		{"data without blob", func(s *Spec) { s.Data = []DataFile{{Name: "a"}} }, "data.a"},
		{"too much data", func(s *Spec) { s.Data = many }, "data"},
		{"unknown imports trap", func(s *Spec) { s.UnknownImports = TrapUnknown }, ""},
		{"unknown imports do something else", func(s *Spec) { s.UnknownImports = 2 }, "unknown_imports"},
		{"no time", func(s *Spec) { s.Limits.Time = time.Microsecond }, "limits.time"},
		{"too long", func(s *Spec) { s.Limits.Time = MaxTime + 1 }, "limits.time"},
		{"no memory", func(s *Spec) { s.Limits.Memory = 1 }, "limits.memory"},
		{"too much memory", func(s *Spec) { s.Limits.Memory = MaxMemory + 1 }, "limits.memory"},
		{"negative output", func(s *Spec) { s.Limits.Output = -1 }, "limits.output"},
		{"too much output", func(s *Spec) { s.Limits.Output = MaxOutput + 1 }, "limits.output"},
		{"some fuel", func(s *Spec) { s.Limits.Fuel = MaxFuel }, ""},
		{"negative fuel", func(s *Spec) { s.Limits.Fuel = -1 }, "limits.fuel"},
		{"too much fuel", func(s *Spec) { s.Limits.Fuel = MaxFuel + 1 }, "limits.fuel"},
		{"no metering", func(s *Spec) { s.Metering = 0 }, "metering"},
		{"metering of the future", func(s *Spec) { s.Metering = Metering + 1 }, "metering"},
		{"no quorum", func(s *Spec) { s.Trust.Quorum = 0 }, "trust.quorum"},
		{"large quorum", func(s *Spec) { s.Trust.Quorum = 17 }, "trust.quorum"},
		{"no replicas", func(s *Spec) { s.Trust.Replicas = 0 }, "trust.replicas"},
		{"many replicas", func(s *Spec) { s.Trust.Replicas = math.MaxUint32 }, "trust.replicas"},
		{"fewer attempts than quorum", func(s *Spec) { s.Trust = Trust{Replicas: 2, Quorum: 6, MaxAttempts: 5} }, "trust.max_attempts"},
		{"fewer attempts than replicas", func(s *Spec) { s.Trust = Trust{Replicas: 6, Quorum: 2, MaxAttempts: 5} }, "trust.max_attempts"},
		{"many attempts", func(s *Spec) { s.Trust.MaxAttempts = 65 }, "trust.max_attempts"},
		{"quorum of one", func(s *Spec) { s.Trust = Trust{Replicas: 1, Quorum: 1, MaxAttempts: 5} }, "trust.quorum"},
		{"no trust at all", func(s *Spec) { s.Trust = Trust{} }, "trust.quorum"},
		{"machines of one's own", func(s *Spec) { s.Trust = Trust{Replicas: 1}.withDefaults() }, ""},
		{"any error from strangers", func(s *Spec) { s.Trust = Trust{MaxError: One} }, "trust.max_error"},
		{"smallest error", func(s *Spec) { s.Trust = Trust{MaxError: 1} }, ""},
		{"largest error", func(s *Spec) { s.Trust = Trust{MaxError: One - 1} }, ""},
		{"negative error", func(s *Spec) { s.Trust = Trust{MaxError: -1} }, "trust.max_error"},
		{"error and replicas", func(s *Spec) { s.Trust = Trust{MaxError: One / 10, Replicas: 1} }, "trust.max_error"},
		{"error and quorum", func(s *Spec) { s.Trust.MaxError = One / 10 }, "trust.max_error"},
		{"error and attempts", func(s *Spec) { s.Trust = Trust{MaxError: One / 10, MaxAttempts: 5} }, "trust.max_error"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := rangeSpec(3)
			test.change(&s)
			r := s.Validate()
			if test.subject == "" && r != nil || test.subject != "" && (r == nil || r.Subject != test.subject || r.Code != Invalid) {
				t.Errorf("rejection %+v, want one of %q", r, test.subject)
			}
		})
	}
}

// A rejection is kept for repeated requests, and so has to be the same on all
// replicas.
func TestValidateIsDeterministic(t *testing.T) {
	s := rangeSpec(1)
	s.Env = map[string]string{"a=": "", "b=": "", "c=": "", "d=": "", "e=": ""}
	for range 100 {
		if r := s.Validate(); r.Message != `"a=" is not a variable` {
			t.Fatalf("rejection %q", r.Message)
		}
	}
}

func TestWithDefaults(t *testing.T) {
	for _, test := range []struct{ given, want Trust }{
		{Trust{}, Trust{MaxError: One / 10_000}},
		{Trust{MaxError: 5}, Trust{MaxError: 5}},
		{Trust{Replicas: 1}, Trust{Replicas: 1, MaxError: One}},
		{Trust{Quorum: 1}, Trust{Replicas: 1, MaxError: One}},
		{Trust{Replicas: 1, Quorum: 1}, Trust{Replicas: 1, MaxError: One}},
		{Trust{Replicas: 2}, Trust{Replicas: 2, Quorum: 2, MaxAttempts: 5}},
		{Trust{Quorum: 2}, Trust{Replicas: 2, Quorum: 2, MaxAttempts: 5}},
		{Trust{MaxAttempts: 7}, Trust{Replicas: 2, Quorum: 2, MaxAttempts: 7}},
		{Trust{Replicas: 3}, Trust{Replicas: 3, Quorum: 2, MaxAttempts: 5}},
		{Trust{Quorum: 3}, Trust{Replicas: 3, Quorum: 3, MaxAttempts: 5}},
		{Trust{Quorum: 10}, Trust{Replicas: 10, Quorum: 10, MaxAttempts: 10}},
		{Trust{Replicas: 2, Quorum: 10}, Trust{Replicas: 2, Quorum: 10, MaxAttempts: 10}},
		{Trust{Replicas: 8, MaxAttempts: 9}, Trust{Replicas: 8, Quorum: 2, MaxAttempts: 9}},
	} {
		if got := (Spec{Trust: test.given}).WithDefaults().Trust; got != test.want {
			t.Errorf("%+v becomes %+v, want %+v", test.given, got, test.want)
		}
	}
	want := Limits{Time: 10 * time.Minute, Memory: 512 << 20, Output: 16 << 20}
	if got := (Spec{}).WithDefaults().Limits; got != want {
		t.Errorf("limits %+v, want %+v", got, want)
	}
	if got := (Spec{}).WithDefaults().Metering; got != OldestMetering {
		t.Errorf("fuel counted by rules %d, want %d, which every grid has", got, OldestMetering)
	}
	if s := rangeSpec(1); !reflect.DeepEqual(s.WithDefaults(), s) {
		t.Error("defaults change a full spec")
	}
}

func TestBlobs(t *testing.T) {
	s := rangeSpec(1)
	if n := len(s.Blobs()); n != 1 {
		t.Errorf("%d blobs of a range", n)
	}
	index := fakeRef("index")
	s.Input = Input{Blob: &BlobInput{Blob: fakeRef("input"), Index: &index}}
	s.Data = []DataFile{{"d", fakeRef("data")}}
	want := []blob.Ref{fakeRef("bundle"), fakeRef("input"), index, fakeRef("data")}
	if got := s.Blobs(); !reflect.DeepEqual(got, want) {
		t.Errorf("blobs %v, want %v", got, want)
	}
}
