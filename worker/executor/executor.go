// Package executor carries out one attempt: it fetches what the task needs,
// runs it in a sandbox, and says what came of it.
package executor

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/internal/wire"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/worker/sandbox"
)

// Fetcher brings byte ranges of blobs into the Store, from several peers.
type Fetcher interface {
	Fetch(ctx context.Context, id blob.ID, off, n int64, providers []swarm.Provider) (swarm.Traffic, error)
}

// Store is the worker's disk.
type Store interface {
	Path(id blob.ID) (string, error)
	ReadRange(id blob.ID, off, n int64) ([]byte, error)
	Put(data []byte) (blob.Ref, error)
	Pin(id blob.ID)
	Unpin(id blob.ID)
}

// Runner runs tasks, one at a time.
type Runner interface {
	Run(ctx context.Context, t sandbox.Task) (sandbox.Result, error)
}

// Executor prepares attempts and runs them.
type Executor struct {
	Fetcher Fetcher
	Store   Store
	// Tamper, where set, changes outputs before they are hashed, and the fuel that
	// they took: what a worker does that is started to misbehave.
	Tamper func(ctx context.Context, lease *anthillv1.Lease, output []byte, fuel uint64) ([]byte, uint64)
	// Sources, where set, tells people what there is of the blob of which an attempt reads,
	// and who sent that and all else that the attempt needs.
	Sources func(read blob.ID, all []blob.ID) *anthillv1.PieceSources
}

// Attempt is an attempt that has all it needs on this machine.
type Attempt struct {
	Lease *anthillv1.Lease
	// FuelUsed is as in sandbox.Task.
	FuelUsed func(fuel uint64)
	task     sandbox.Task
	// shard goes to stdin. Where it lies in a blob it is read only when the attempt
	// runs: those that wait must not hold their input in memory.
	shard   jobs.Shard
	fetched swarm.Traffic
	pinned  []blob.ID
}

// The fetching of a blob may take fetchTime, and longer where it has so much that it takes
// longer at slowest bytes a second. That nothing comes at all is found out sooner.
const (
	fetchTime = 10 * time.Minute
	slowest   = 32 << 10
)

// Prepare fetches the bundle, the data files and the task's shard.
func (e *Executor) Prepare(ctx context.Context, lease *anthillv1.Lease) (*Attempt, error) {
	switch wants := lease.GetSpec().GetMetering(); {
	case wants > jobs.Metering:
		return nil, fmt.Errorf("this worker counts fuel by rules %d to %d, the job wants %d: upgrade it", jobs.OldestMetering, jobs.Metering, wants)
	case wants < jobs.OldestMetering:
		return nil, fmt.Errorf("this worker counts fuel by rules %d to %d, the job wants %d: submit it again", jobs.OldestMetering, jobs.Metering, wants)
	}
	a := &Attempt{Lease: lease, fetched: swarm.Traffic{}}
	if err := e.prepare(ctx, a); err != nil {
		e.Release(a)
		return nil, fmt.Errorf("fetch: %w", err)
	}
	return a, nil
}

// Memory is how many bytes of memory the attempt may take while it runs.
func (a *Attempt) Memory() int64 {
	limits := jobs.Limits{Memory: a.task.Memory, Output: a.task.Output}
	return jobs.Spec{Limits: limits}.Footprint(a.shard.Size)
}

// Release lets the attempt's blobs go. It must be called once.
func (e *Executor) Release(a *Attempt) {
	for _, id := range a.pinned {
		e.Store.Unpin(id)
	}
	a.pinned = nil
}

func (e *Executor) prepare(ctx context.Context, a *Attempt) error {
	spec := a.Lease.GetSpec()
	a.task = TaskOf(a.Lease.GetJobId(), a.Lease.GetTask(), spec)
	bundle, err := wire.RefFromProto("bundle", spec.GetBundle())
	if err != nil {
		return err
	}
	data, err := wire.DataFromProto(spec.GetData())
	if err != nil {
		return err
	}
	in, err := wire.InputFromProto(spec.GetInput())
	if err != nil {
		return err
	}
	if a.task.Module, err = e.whole(ctx, a, bundle); err != nil {
		return err
	}
	a.task.ModuleID = bundle.ID.String()
	for _, d := range data {
		if a.task.Data[d.Name], err = e.whole(ctx, a, d.Blob); err != nil {
			return err
		}
	}
	return e.input(ctx, a, in)
}

// TaskOf is a task of a job as every worker runs it, without the files that it needs.
func TaskOf(job string, task uint32, spec *anthillv1.JobSpec) sandbox.Task {
	return sandbox.Task{
		Args: spec.GetArgs(), Env: env(spec.GetEnv()), Data: map[string]string{}, Seed: Seed(job, task),
		Time: spec.GetLimits().GetTime().AsDuration(), Memory: spec.GetLimits().GetMemory(), Output: spec.GetLimits().GetOutput(),
		Fuel: spec.GetLimits().GetFuel(), Metering: spec.GetMetering(),
		TrapUnknown: spec.GetUnknownImports() == anthillv1.UnknownImports_UNKNOWN_IMPORTS_TRAP,
	}
}

// whole fetches a blob and gives the file that it is in.
func (e *Executor) whole(ctx context.Context, a *Attempt, ref blob.Ref) (string, error) {
	if err := e.fetch(ctx, a, ref, 0, -1); err != nil {
		return "", err
	}
	return e.Store.Path(ref.ID)
}

// fetch pins a blob and brings n bytes of it here, all from off on if n is -1.
func (e *Executor) fetch(ctx context.Context, a *Attempt, ref blob.Ref, off, n int64) error {
	if ref.ID.IsZero() {
		return errors.New("the lease names no blob")
	}
	e.Store.Pin(ref.ID)
	a.pinned = append(a.pinned, ref.ID)
	size := n
	if n < 0 {
		size = ref.Size
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTime+time.Duration(size/slowest)*time.Second)
	defer cancel()
	traffic, err := e.Fetcher.Fetch(ctx, ref.ID, off, n, swarm.ProvidersOf(a.Lease.GetProviders()))
	for role, bytes := range traffic {
		a.fetched[role] += bytes
	}
	return err
}

// input finds out what the task reads on stdin, and brings it here.
func (e *Executor) input(ctx context.Context, a *Attempt, in jobs.Input) error {
	task := jobs.Index(a.Lease.GetTask())
	shard, err := in.Shard(task, func(index blob.Ref, off, n int64) ([]byte, error) {
		if err := e.fetch(ctx, a, index, off, n); err != nil {
			return nil, err
		}
		return e.Store.ReadRange(index.ID, off, n)
	})
	if err != nil {
		return err
	}
	if shard.Size > jobs.MaxShard {
		return fmt.Errorf("shard %d has %d bytes, more than %d: split the input finer", task, shard.Size, jobs.MaxShard)
	}
	a.shard = shard
	if shard.Size == 0 {
		return nil
	}
	return e.fetch(ctx, a, shard.Blob, shard.Off, shard.Size)
}

// env is in the order of the names: the guest sees the order, and computes on it.
func env(vars map[string]string) []string {
	var list []string
	for _, k := range slices.Sorted(maps.Keys(vars)) {
		list = append(list, k+"="+vars[k])
	}
	return list
}

// Seed is what a guest's random numbers follow from: the same for all attempts
// at a task of a job, another for each task.
func Seed(job string, task uint32) [32]byte {
	return sha256.Sum256(fmt.Appendf(nil, "anthill task %s %d", job, task))
}

// Run runs a prepared attempt. It returns nil where ctx ended first: then
// the answer is not wanted any more.
func (e *Executor) Run(ctx context.Context, r Runner, a *Attempt) *anthillv1.AttemptReport {
	task, err := e.load(a)
	if err != nil {
		return e.lost(a, err)
	}
	result, err := r.Run(ctx, task)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return e.lost(a, err)
	}
	report := &anthillv1.AttemptReport{
		Lease: a.Lease.GetId(), Elapsed: durationpb.New(result.Elapsed), Fetched: traffic(a.fetched), Fuel: fuelOf(result),
		Log: result.Stderr, Sources: e.sources(a),
	}
	if result.Succeeded() {
		output := result.Output
		if e.Tamper != nil {
			output, report.Fuel = e.Tamper(ctx, a.Lease, output, report.Fuel)
		}
		return e.succeeded(report, output)
	}
	status, code := failure(result)
	report.Status, report.ExitCode = wire.StatusToProto(status), code
	report.Reason = Reason(Explain(result, a.task), result.Stderr)
	return report
}

func (e *Executor) sources(a *Attempt) *anthillv1.PieceSources {
	if e.Sources == nil || len(a.pinned) == 0 {
		return nil
	}
	read := a.pinned[0] // the bundle
	if a.shard.Size > 0 {
		read = a.shard.Blob.ID
	}
	return e.Sources(read, a.pinned)
}

// load gives the task with its input.
func (e *Executor) load(a *Attempt) (sandbox.Task, error) {
	task := a.task
	task.FuelUsed, task.Stdin = a.FuelUsed, []byte(a.shard.Line)
	if a.shard.Size == 0 {
		return task, nil
	}
	var err error
	task.Stdin, err = e.Store.ReadRange(a.shard.Blob.ID, a.shard.Off, a.shard.Size)
	return task, err
}

// headSize is how much of a large output goes with the report, for people to look at
// where attempts differ.
const headSize = 4 << 10

// succeeded sends a small output along; a large one is stored, for coordinators
// to fetch.
func (e *Executor) succeeded(report *anthillv1.AttemptReport, output []byte) *anthillv1.AttemptReport {
	ref := blob.Ref{Size: int64(len(output))}
	if ref.Size <= blob.MinPiece {
		ref, report.Data = blob.Of(output).Ref(), output
	} else if stored, err := e.Store.Put(output); err == nil {
		ref, report.Head = stored, bytes.Clone(output[:headSize])
	} else {
		report.Status, report.Reason = wire.StatusToProto(jobs.Lost), Reason("store output: "+err.Error(), nil)
		return report
	}
	report.Status = wire.StatusToProto(jobs.Succeeded)
	report.Output = wire.RefToProto(ref)
	return report
}

// fuelOf is the fuel that every machine counts alike, or 0.
func fuelOf(r sandbox.Result) uint64 {
	switch r.Status {
	case sandbox.TimedOut, sandbox.Killed, sandbox.Refused:
		return 0
	}
	return r.Fuel
}

// failure is a vote only of what follows from the task alone. What a worker's own
// release refuses does not: others may screen and compile by other rules.
func failure(r sandbox.Result) (jobs.AttemptStatus, uint32) {
	switch r.Status {
	case sandbox.Exited:
		return jobs.Crashed, r.ExitCode
	case sandbox.Trapped, sandbox.OutputExceeded:
		return jobs.Crashed, 255
	case sandbox.OutOfFuel:
		return jobs.Crashed, jobs.ExitOutOfFuel
	}
	return jobs.Killed, 0
}

func traffic(t swarm.Traffic) *anthillv1.Traffic {
	return wire.TrafficToProto(jobs.Traffic{
		FromSubmitter:    t[jobs.Submitter] + t[jobs.Operator],
		FromCoordinators: t[jobs.Coordinator],
		FromWorkers:      t[jobs.Worker],
	})
}
