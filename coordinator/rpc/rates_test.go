package rpc

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// TestCallsThatCostHaveARate: what comes a little early waits, what comes far too early is
// refused, and who is quiet is forgotten.
func TestCallsThatCostHaveARate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r rates
		submit := anthillv1.JobService_SubmitJob_FullMethodName
		call := func(node jobs.NodeID) (ok bool, took time.Duration) {
			began := time.Now()
			ok, err := r.wait(t.Context(), node, submit)
			if err != nil {
				t.Fatal(err)
			}
			return ok, time.Since(began)
		}
		p := paces[submit]
		for range p.burst {
			if ok, took := call("eve"); !ok || took > 0 {
				t.Fatalf("within what may come at once: %v, after %v", ok, took)
			}
		}
		if ok, took := call("eve"); !ok || took != 100*time.Millisecond {
			t.Errorf("one more: %v, after %v", ok, took)
		}
		for range 25 { // they wait beside each other, the last for more than paceWait
			go func() { _, _ = r.wait(context.Background(), "eve", submit) }()
		}
		synctest.Wait()
		if ok, _ := call("eve"); ok {
			t.Error("what comes far too early is not refused")
		}
		if ok, took := call("ann"); !ok || took > 0 {
			t.Errorf("another node: %v, after %v", ok, took)
		}
		if ok, err := r.wait(t.Context(), "eve", anthillv1.JobService_CancelJob_FullMethodName); !ok || err != nil {
			t.Errorf("a call that has no rate: %v, %v", ok, err)
		}
		time.Sleep(2 * paceMemory)
		call("ann")
		if len(r.nodes) != 1 {
			t.Errorf("%d nodes are remembered", len(r.nodes))
		}
	})
}

// TestAFloodOfJobsIsHeldUp: 300 jobs with 60 KiB of args each, as fast as they come.
func TestAFloodOfJobsIsHeldUp(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.do(jobs.Command{Raise: &jobs.RaiseVersion{Version: jobs.LastVersion}})
	conn := anthillv1.NewJobServiceClient(g.dial(g.admit(jobs.Submitter, "eve"), g.follower))
	refused := make(chan error, 300)
	for i := range cap(refused) {
		go func() {
			_, err := conn.SubmitJob(ctx(t), &anthillv1.SubmitJobRequest{Spec: rangeSpec(), RequestId: fmt.Sprint(i)})
			refused <- err
		}()
	}
	accepted := 0
	for range cap(refused) {
		if err := <-refused; err == nil {
			accepted++
		} else if got, _, _ := details(err); got != "TOO_FAST" && got != "TOO_MANY_CALLS" {
			t.Fatal(err)
		}
	}
	if accepted > 150 {
		t.Errorf("%d of 300 jobs were accepted at once", accepted)
	}
}

func TestANodeFollowsSoManyJobs(t *testing.T) {
	var r rates
	var ends []func()
	for range maxWatches {
		done, ok := r.watch("eve")
		if !ok {
			t.Fatal("too few")
		}
		ends = append(ends, done)
	}
	if _, ok := r.watch("eve"); ok {
		t.Error("one too many")
	}
	if _, ok := r.watch("ann"); !ok {
		t.Error("another node may follow none")
	}
	for _, done := range ends {
		done()
	}
	if _, ok := r.watch("eve"); !ok || len(r.watches) != 2 {
		t.Errorf("afterwards: %v", r.watches)
	}
	expect(t, "too many", tooManyWatches("eve"), codes.ResourceExhausted, "TOO_MANY_WATCHES")
}
