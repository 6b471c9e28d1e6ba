package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/anthill-grid/anthill/internal/gridconn"
	"github.com/anthill-grid/anthill/internal/identity"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

func (b *bench) measure(ctx context.Context) (*result, error) {
	r := &result{}
	foreign, err := b.foreignReads(ctx)
	if err != nil {
		return nil, err
	}
	r.ForeignReads = foreign
	rest, err := b.p99(ctx, 3*time.Second)
	if err != nil {
		return nil, err
	}
	worst := rest
	for _, a := range []struct {
		grown *float64
		run   func(context.Context)
	}{
		{&r.Strangers, func(ctx context.Context) { b.crowd(ctx, nil, 1000) }},
		{&r.Idle, func(ctx context.Context) { b.crowd(ctx, b.eve, 1000) }},
		{&r.Headers, b.headers},
		{&r.Unfinished, b.unfinished},
	} {
		slow, err := b.grown(ctx, a.grown, a.run)
		if err != nil {
			return nil, err
		}
		worst = max(worst, slow)
	}
	r.P99Ratio = float64(worst) / float64(rest)
	r.Revoked, err = b.revoked(ctx)
	return r, err
}

// grown is by how much the coordinator grows at most while it is attacked, and how slow
// honest calls are meanwhile.
func (b *bench) grown(ctx context.Context, mib *float64, attack func(context.Context)) (time.Duration, error) {
	before, err := b.memory()
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		attack(ctx)
		cancel()
	}()
	most := before
	sampled := make(chan struct{})
	go func() {
		defer close(sampled)
		for ctx.Err() == nil {
			if now, err := b.memory(); err == nil {
				most = max(most, now)
			}
			time.Sleep(50 * time.Millisecond)
		}
	}()
	slow, err := b.p99(ctx, time.Minute)
	<-ended
	<-sampled
	*mib = float64(most-before) / (1 << 20)
	return slow, err
}

// memory is what the attacked coordinator has resident.
func (b *bench) memory() (int64, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", b.pid))
	if err != nil {
		return 0, err
	}
	var size, resident int64
	if _, err := fmt.Sscan(string(data), &size, &resident); err != nil {
		return 0, err
	}
	return resident * int64(os.Getpagesize()), nil
}

// p99 is of an honest submitter's calls, until ctx ends or the time is over.
func (b *bench) p99(ctx context.Context, span time.Duration) (time.Duration, error) {
	conn, err := gridconn.Dial(b.alice, []string{b.leader})
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	client := anthillv1.NewJobServiceClient(conn)
	var took []time.Duration
	for end := time.Now().Add(span); time.Now().Before(end) && ctx.Err() == nil; time.Sleep(5 * time.Millisecond) {
		began := time.Now()
		call, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		_, err := client.ListJobs(call, &anthillv1.ListJobsRequest{})
		cancel()
		if err != nil {
			return 0, fmt.Errorf("an honest call: %w", err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return took[len(took)*99/100], nil
}

// foreignReads is how many ways there are for one submitter to read of another's job.
func (b *bench) foreignReads(ctx context.Context) (n int, err error) {
	dial := func(id *identity.Identity) (anthillv1.JobServiceClient, func(), error) {
		conn, err := gridconn.Dial(id, []string{b.leader})
		return anthillv1.NewJobServiceClient(conn), func() { _ = conn.Close() }, err
	}
	alice, hangUp, err := dial(b.alice)
	if err != nil {
		return 0, err
	}
	defer hangUp()
	bundle := append(make([]byte, 31), 1) // which nobody has
	made, err := alice.SubmitJob(ctx, &anthillv1.SubmitJobRequest{RequestId: "doors", Spec: &anthillv1.JobSpec{
		Name: "secret", Bundle: &anthillv1.BlobRef{Id: bundle, Size: 100}, Args: []string{"secret"},
		Input: &anthillv1.Input{Source: &anthillv1.Input_Range{Range: &anthillv1.RangeInput{To: 1, Step: 1}}},
	}})
	if err != nil {
		return 0, fmt.Errorf("submit a job to be spied on: %w", err)
	}
	id := made.GetJob().GetId()
	eve, hangUp2, err := dial(b.eve)
	if err != nil {
		return 0, err
	}
	defer hangUp2()
	if _, err := eve.GetJob(ctx, &anthillv1.GetJobRequest{JobId: id}); err == nil {
		n++
	}
	if _, err := eve.GetTask(ctx, &anthillv1.GetTaskRequest{JobId: id}); err == nil {
		n++
	}
	list, err := eve.ListJobs(ctx, &anthillv1.ListJobsRequest{})
	if err == nil && strings.Contains(list.String(), "secret") {
		n++
	}
	watch, err := eve.WatchJob(ctx, &anthillv1.WatchJobRequest{JobId: id})
	if err == nil {
		if _, err := watch.Recv(); err == nil {
			n++
		}
	}
	return n, nil
}

// revoked is for how long a node is served by any coordinator after its key was revoked.
func (b *bench) revoked(ctx context.Context) (float64, error) {
	conn, err := gridconn.Dial(b.eve, b.operator.Coordinators())
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	client := anthillv1.NewJobServiceClient(conn)
	if _, err := b.operator.EndNode(ctx, &anthillv1.EndNodeRequest{Node: string(b.eve.Node()), Revoke: true, Reason: "it attacks"}); err != nil {
		return 0, err
	}
	began, last := time.Now(), time.Duration(0)
	for time.Since(began) < 10*time.Second && time.Since(began) < last+3*time.Second {
		_, err := client.ListJobs(ctx, &anthillv1.ListJobsRequest{})
		switch status.Code(err) {
		case codes.OK:
			last = time.Since(began)
		case codes.PermissionDenied, codes.Unauthenticated, codes.Unavailable:
		default:
			return 0, fmt.Errorf("a revoked node's call: %w", err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	return last.Seconds(), nil
}
