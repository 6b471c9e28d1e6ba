package executor

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/worker/sandbox"
)

// disk is the peers' blobs and the worker's store in one.
type disk struct {
	blobs   map[blob.ID][]byte
	pins    map[blob.ID]int
	fetched []fetch
	full    error
}

type fetch struct {
	id     blob.ID
	off, n int64
	time   time.Duration // that it may take
}

func newDisk() *disk { return &disk{blobs: map[blob.ID][]byte{}, pins: map[blob.ID]int{}} }

func (d *disk) add(data []byte) *anthillv1.BlobRef {
	ref := blob.Of(data).Ref()
	d.blobs[ref.ID] = data
	return &anthillv1.BlobRef{Id: ref.ID[:], Size: ref.Size}
}

func (d *disk) Fetch(ctx context.Context, id blob.ID, off, n int64, providers []swarm.Provider) (swarm.Traffic, error) {
	end, _ := ctx.Deadline()
	d.fetched = append(d.fetched, fetch{id, off, n, time.Until(end).Round(time.Second)})
	if d.pins[id] == 0 {
		return nil, errors.New("fetched before it was pinned")
	}
	if d.blobs[id] == nil || len(providers) != 1 {
		return swarm.Traffic{jobs.Worker: 1}, swarm.ErrUnavailable
	}
	return swarm.Traffic{jobs.Worker: 10, jobs.Submitter: 1, jobs.Operator: 1}, nil
}

func (d *disk) Path(id blob.ID) (string, error) { return "path of " + id.Short(), nil }

func (d *disk) ReadRange(id blob.ID, off, n int64) ([]byte, error) {
	data := d.blobs[id]
	if off+n > int64(len(data)) {
		return nil, errors.New("not there")
	}
	return data[off : off+n], nil
}

func (d *disk) Put(data []byte) (blob.Ref, error) {
	if d.full != nil {
		return blob.Ref{}, d.full
	}
	d.add(data)
	return blob.Of(data).Ref(), nil
}

func (d *disk) Pin(id blob.ID)   { d.pins[id]++ }
func (d *disk) Unpin(id blob.ID) { d.pins[id]-- }

func (d *disk) pinned() int {
	n := 0
	for _, k := range d.pins {
		n += k
	}
	return n
}

// runner gives what it is told to and notes the task.
type runner struct {
	result sandbox.Result
	err    error
	task   sandbox.Task
	during func()
}

func (r *runner) Run(_ context.Context, t sandbox.Task) (sandbox.Result, error) {
	r.task = t
	if r.during != nil {
		r.during()
	}
	return r.result, r.err
}

func leaseOf(spec *anthillv1.JobSpec, task uint32) *anthillv1.Lease {
	if spec != nil {
		spec.Metering = jobs.Metering
	}
	return &anthillv1.Lease{
		Id: 7, JobId: "j", Task: task, Spec: spec,
		Providers: []*anthillv1.Provider{{Address: "p:1", Role: anthillv1.Role_ROLE_WORKER}},
	}
}

func rangeInput(from, to, step int64) *anthillv1.Input {
	return &anthillv1.Input{Source: &anthillv1.Input_Range{Range: &anthillv1.RangeInput{From: from, To: to, Step: step}}}
}

func blobInput(b *anthillv1.BlobInput) *anthillv1.Input {
	return &anthillv1.Input{Source: &anthillv1.Input_Blob{Blob: b}}
}

func TestStdin(t *testing.T) {
	d := newDisk()
	input := d.add([]byte("one\ntwo\nthree\n"))
	var offsets []byte
	for _, off := range []uint64{0, 4, 4, 14, 15} {
		offsets = binary.BigEndian.AppendUint64(offsets, off)
	}
	index := d.add(offsets)
	huge := &anthillv1.BlobRef{Id: input.GetId(), Size: 2 * jobs.MaxShard}
	for name, c := range map[string]struct {
		input *anthillv1.Input
		task  uint32
		want  string
		fails string
	}{
		"range":             {rangeInput(5, 20, 10), 1, "15 20\n", ""},
		"split":             {blobInput(&anthillv1.BlobInput{Blob: input, ShardSize: 5}), 1, "wo\nth", ""},
		"last of a split":   {blobInput(&anthillv1.BlobInput{Blob: input, ShardSize: 5}), 2, "ree\n", ""},
		"index":             {blobInput(&anthillv1.BlobInput{Blob: input, Index: index}), 2, "two\nthree\n", ""},
		"empty shard":       {blobInput(&anthillv1.BlobInput{Blob: input, Index: index}), 1, "", ""},
		"beyond the input":  {blobInput(&anthillv1.BlobInput{Blob: input, Index: index}), 3, "", "do not lie in the input"},
		"beyond the index":  {blobInput(&anthillv1.BlobInput{Blob: input, Index: index}), 9, "", "not there"},
		"too large to hold": {blobInput(&anthillv1.BlobInput{Blob: huge, ShardSize: jobs.MaxShard + 1}), 0, "", "split the input finer"},
	} {
		e := &Executor{Fetcher: d, Store: d}
		a, err := e.Prepare(t.Context(), leaseOf(&anthillv1.JobSpec{Bundle: d.add([]byte("bundle")), Input: c.input}, c.task))
		if c.fails != "" {
			if err == nil || !strings.Contains(err.Error(), c.fails) {
				t.Errorf("%s: got %v, want an error with %q", name, err, c.fails)
			}
		} else if err != nil {
			t.Errorf("%s: %v", name, err)
		} else {
			r := &runner{}
			e.Run(t.Context(), r, a)
			if string(r.task.Stdin) != c.want {
				t.Errorf("%s: stdin %q, want %q", name, r.task.Stdin, c.want)
			}
			e.Release(a)
		}
		if n := d.pinned(); n != 0 {
			t.Fatalf("%s: %d pins are left", name, n)
		}
	}
}

func TestPrepareFetchesWhatTheTaskNeeds(t *testing.T) {
	d := newDisk()
	e := &Executor{Fetcher: d, Store: d}
	bundle, words := d.add([]byte("bundle")), d.add([]byte("words"))
	input := d.add(bytes.Repeat([]byte("x"), 100))
	a, err := e.Prepare(t.Context(), leaseOf(&anthillv1.JobSpec{
		Bundle: bundle, Args: []string{"-v"}, Env: map[string]string{"A": "b"},
		Data:   []*anthillv1.DataFile{{Name: "words", Blob: words}},
		Input:  blobInput(&anthillv1.BlobInput{Blob: input, ShardSize: 10}),
		Limits: &anthillv1.Limits{Time: durationpb.New(time.Second), Memory: 1 << 20, Output: 99, Fuel: 88},
	}, 3))
	if err != nil {
		t.Fatal(err)
	}
	id := func(r *anthillv1.BlobRef) blob.ID { return blob.ID(r.GetId()) }
	want := []fetch{{id(bundle), 0, -1, fetchTime}, {id(words), 0, -1, fetchTime}, {id(input), 30, 10, fetchTime}}
	if len(d.fetched) != 3 || d.fetched[0] != want[0] || d.fetched[1] != want[1] || d.fetched[2] != want[2] {
		t.Errorf("fetched %v, want bundle, data and the task's range only", d.fetched)
	}
	if d.pinned() != 3 {
		t.Errorf("%d pins while the attempt waits, want 3", d.pinned())
	}
	r := &runner{result: sandbox.Result{Status: sandbox.Exited, Output: []byte("out"), Elapsed: time.Second}}
	report := e.Run(t.Context(), r, a)
	task := r.task
	if task.ModuleID != id(bundle).String() || task.Data["words"] != "path of "+id(words).Short() || task.Env[0] != "A=b" ||
		task.Args[0] != "-v" || task.Time != time.Second || task.Memory != 1<<20 || task.Output != 99 || task.Fuel != 88 {
		t.Errorf("task %+v", task)
	}
	if f := report.GetFetched(); f.GetFromWorkers() != 30 || f.GetFromSubmitter() != 6 || f.GetFromCoordinators() != 0 {
		t.Errorf("fetched %v", f)
	}
	e.Release(a)
	if d.pinned() != 0 {
		t.Errorf("%d pins are left", d.pinned())
	}
}

// What takes long because it is large is waited for, whether a whole blob or a shard.
func TestMuchMayTakeLong(t *testing.T) {
	d := newDisk()
	e := &Executor{Fetcher: d, Store: d}
	gibi, input := d.add([]byte("bundle")), d.add([]byte("input"))
	gibi.Size, input.Size = 1<<30, blob.MaxSize
	_, err := e.Prepare(t.Context(), leaseOf(&anthillv1.JobSpec{Bundle: gibi, Input: blobInput(&anthillv1.BlobInput{Blob: input, ShardSize: 1 << 25})}, 0))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []time.Duration{fetchTime + 1<<15*time.Second, fetchTime + 1<<10*time.Second} {
		if got := d.fetched[i].time; got != want {
			t.Errorf("fetch %d may take %v, want %v", i, got, want)
		}
	}
}

func TestPrepareReleasesWhatItPinned(t *testing.T) {
	d := newDisk()
	there, gone := d.add([]byte("there")), &anthillv1.BlobRef{Id: bytes.Repeat([]byte{1}, 32)}
	for name, spec := range map[string]*anthillv1.JobSpec{
		"no bundle id":   {},
		"bundle is gone": {Bundle: gone},
		"data is gone":   {Bundle: there, Data: []*anthillv1.DataFile{{Name: "d", Blob: gone}}},
		"index is gone":  {Bundle: there, Input: blobInput(&anthillv1.BlobInput{Blob: there, Index: gone})},
		"input is gone":  {Bundle: there, Input: blobInput(&anthillv1.BlobInput{Blob: &anthillv1.BlobRef{Id: gone.GetId(), Size: 9}, ShardSize: 9})},
		"no shard":       {Bundle: there, Input: blobInput(&anthillv1.BlobInput{ShardSize: -1})},
	} {
		e := &Executor{Fetcher: d, Store: d}
		if _, err := e.Prepare(t.Context(), leaseOf(spec, 0)); err == nil {
			t.Errorf("%s: prepared", name)
		}
		if d.pinned() != 0 {
			t.Fatalf("%s: %d pins are left", name, d.pinned())
		}
	}
}

func TestSeedsAreOfJobAndTask(t *testing.T) {
	one := Seed("j", 1)
	if one == Seed("j", 2) || one == Seed("k", 1) {
		t.Error("two tasks draw the same numbers")
	}
}

func run(t *testing.T, e *Executor, r Runner) *anthillv1.AttemptReport {
	t.Helper()
	return e.Run(t.Context(), r, &Attempt{Lease: leaseOf(nil, 0), task: sandbox.Task{Time: time.Second, Output: 10, Fuel: 500}})
}

func TestReports(t *testing.T) {
	failed, killed, lost := anthillv1.AttemptStatus_ATTEMPT_STATUS_FAILED, anthillv1.AttemptStatus_ATTEMPT_STATUS_KILLED, anthillv1.AttemptStatus_ATTEMPT_STATUS_LOST
	for _, c := range []struct {
		result sandbox.Result
		err    error
		status anthillv1.AttemptStatus
		code   uint32
		reason string
	}{
		{sandbox.Result{Status: sandbox.Exited, ExitCode: 3, Stderr: []byte("oh no\n")}, nil, failed, 3, "exited with code 3: oh no"},
		{sandbox.Result{Status: sandbox.Trapped, Reason: "unreachable"}, nil, failed, 255, "trapped: unreachable"},
		{sandbox.Result{Status: sandbox.OutputExceeded}, nil, failed, 255, "limit of 10 bytes: raise limits.output"},
		{sandbox.Result{Status: sandbox.Refused, Reason: "no export"}, nil, killed, 0, "refused: no export"},
		{sandbox.Result{Status: sandbox.OutOfFuel, Fuel: 500}, nil, failed, 254, "out of fuel: used 500 of 500; raise limits.fuel or give each task less to do"},
		{sandbox.Result{Status: sandbox.TimedOut}, nil, killed, 0, "limit of 1s: raise limits.time"},
		{sandbox.Result{Status: sandbox.Killed, Reason: "memory"}, nil, killed, 0, "killed: memory"},
		{sandbox.Result{}, errors.New("no child"), lost, 0, "no child"},
	} {
		r := run(t, &Executor{Store: newDisk()}, &runner{result: c.result, err: c.err})
		if r.GetLease() != 7 || r.GetStatus() != c.status || r.GetExitCode() != c.code || !strings.Contains(r.GetReason(), c.reason) || r.GetOutput() != nil {
			t.Errorf("%+v, %v: reported %v", c.result, c.err, r)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	r := &runner{during: cancel, err: context.Canceled}
	if got := (&Executor{Store: newDisk()}).Run(ctx, r, &Attempt{Lease: leaseOf(nil, 0)}); got != nil {
		t.Errorf("a lease that ended is reported: %v", got)
	}
}

func TestResults(t *testing.T) {
	ok := func(output []byte) *runner {
		return &runner{result: sandbox.Result{Status: sandbox.Exited, Output: output}}
	}
	large := make([]byte, blob.MinPiece+1)
	for _, output := range [][]byte{nil, []byte("small"), large[:blob.MinPiece], large} {
		d := newDisk()
		r := run(t, &Executor{Store: d}, ok(output))
		ref := blob.Of(output).Ref()
		if r.GetStatus() != anthillv1.AttemptStatus_ATTEMPT_STATUS_SUCCEEDED || !bytes.Equal(r.GetOutput().GetId(), ref.ID[:]) || r.GetOutput().GetSize() != ref.Size {
			t.Errorf("%d bytes: reported %v", len(output), r.GetOutput())
		}
		small := len(output) <= blob.MinPiece
		if small && !bytes.Equal(r.GetData(), output) || !small && (r.GetData() != nil || d.blobs[ref.ID] == nil) {
			t.Errorf("%d bytes: %d travel along, stored %v", len(output), len(r.GetData()), d.blobs[ref.ID] != nil)
		}
	}
	full := newDisk()
	full.full = errors.New("disk full")
	if r := run(t, &Executor{Store: full}, ok(large)); r.GetStatus() != anthillv1.AttemptStatus_ATTEMPT_STATUS_LOST || !strings.Contains(r.GetReason(), "disk full") {
		t.Errorf("on a full disk: reported %v", r)
	}
	liar := &Executor{Store: newDisk(), Tamper: func(_ context.Context, l *anthillv1.Lease, output []byte, fuel uint64) ([]byte, uint64) {
		return fmt.Appendf(nil, "not %s, of lease %d", output, l.GetId()), fuel + 1
	}}
	lie := "not truth, of lease 7"
	id := blob.Of([]byte(lie)).ID()
	if r := run(t, liar, ok([]byte("truth"))); !bytes.Equal(r.GetOutput().GetId(), id[:]) || string(r.GetData()) != lie || r.GetFuel() != 1 {
		t.Errorf("a liar reported %v", r)
	}
	if r := run(t, liar, &runner{result: sandbox.Result{Status: sandbox.Trapped}}); r.GetStatus() != anthillv1.AttemptStatus_ATTEMPT_STATUS_FAILED || r.GetOutput() != nil {
		t.Errorf("a liar reported %v of a task that failed", r)
	}
}

// Fuel is part of a vote only where every machine counts the same.
func TestFuelOfReports(t *testing.T) {
	for status := sandbox.Exited; status <= sandbox.Killed; status++ {
		want := uint64(0)
		if status != sandbox.Refused && status != sandbox.TimedOut && status != sandbox.Killed {
			want = 77
		}
		for _, code := range []uint32{0, 3} {
			r := run(t, &Executor{Store: newDisk()}, &runner{result: sandbox.Result{Status: status, ExitCode: code, Fuel: 77}})
			if r.GetFuel() != want {
				t.Errorf("%v with code %d: reported a fuel of %d, want %d", status, code, r.GetFuel(), want)
			}
		}
	}
}

func TestOtherRulesOfMeteringAreLeftToOthers(t *testing.T) {
	d := newDisk()
	lease := leaseOf(&anthillv1.JobSpec{Bundle: d.add([]byte("bundle")), Input: rangeInput(0, 1, 1)}, 0)
	for rules, next := range map[uint32]string{jobs.Metering + 1: "upgrade it", jobs.OldestMetering - 1: "submit it again", 0: "submit it again"} {
		lease.GetSpec().Metering = rules
		_, err := (&Executor{Fetcher: d, Store: d}).Prepare(t.Context(), lease)
		want := fmt.Sprintf("this worker counts fuel by rules %d to %d, the job wants %d: %s", jobs.OldestMetering, jobs.Metering, rules, next)
		if err == nil || err.Error() != want || len(d.fetched) > 0 {
			t.Errorf("got %v, want %s; fetched %v", err, want, d.fetched)
		}
	}
}

// TestJobsAreCountedByTheirOwnRules, those before as well: they were begun by these.
func TestJobsAreCountedByTheirOwnRules(t *testing.T) {
	for rules := uint32(jobs.OldestMetering); rules <= jobs.Metering; rules++ {
		d, r := newDisk(), &runner{}
		lease := leaseOf(&anthillv1.JobSpec{Bundle: d.add([]byte("bundle")), Input: rangeInput(0, 1, 1)}, 0)
		lease.GetSpec().Metering = rules
		e := &Executor{Fetcher: d, Store: d}
		a, err := e.Prepare(t.Context(), lease)
		if err != nil {
			t.Fatal(err)
		}
		e.Run(t.Context(), r, a)
		if r.task.Metering != rules {
			t.Errorf("a job by rules %d is counted by rules %d", rules, r.task.Metering)
		}
	}
}

// TestEveryWorkerSeesTheSameEnvironment: guests see the order of the variables, and
// their fuel depends on it.
func TestEveryWorkerSeesTheSameEnvironment(t *testing.T) {
	vars := map[string]string{"ZED": "1", "ANT": "2", "HILL": "3", "BEE": "4"}
	for range 50 {
		if got := strings.Join(env(vars), " "); got != "ANT=2 BEE=4 HILL=3 ZED=1" {
			t.Fatal(got)
		}
	}
}
