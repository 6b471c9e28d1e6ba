package rpc

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/coordinator/desk"
	"github.com/anthill-grid/anthill/coordinator/keeper"
	"github.com/anthill-grid/anthill/internal/waits"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// set changes what a shelf says.
func (s *shelf) set(change func(*shelf)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

// TestWhatAJobWaitsForIsSaidEverywhere: by the leader, and by others, which ask it.
func TestWhatAJobWaitsForIsSaidEverywhere(t *testing.T) {
	t.Parallel()
	g := start(t)
	ann, worker := g.admit(jobs.Submitter, "ann"), g.admit(jobs.Worker, "bob").Node()
	id := g.submit(ann)
	expect := func(reason anthillv1.WaitReason, words ...string) {
		t.Helper()
		for _, address := range []string{g.leader, g.follower} {
			resp, err := anthillv1.NewJobServiceClient(g.dial(ann, address)).GetJob(ctx(t), &anthillv1.GetJobRequest{JobId: string(id)})
			if err != nil || resp.GetJob().GetWait().GetReason() != reason {
				t.Errorf("at %s: %v, %v; want %v", address, resp.GetJob().GetWait(), err, reason)
			}
			for _, w := range words {
				if !strings.Contains(resp.GetJob().GetWaiting(), w) {
					t.Errorf("at %s: it waits for %q, want %q", address, resp.GetJob().GetWaiting(), w)
				}
			}
		}
	}
	expect(anthillv1.WaitReason_WAIT_REASON_NO_WORKER, "anthill worker --join")
	g.desk.know(map[jobs.NodeID]uint32{worker: jobs.Metering})
	g.desk.Heartbeat(worker, desk.Beat{Paused: true})
	expect(anthillv1.WaitReason_WAIT_REASON_PAUSED, "paused")
	g.desk.Heartbeat(worker, desk.Beat{})
	g.results.set(func(s *shelf) {
		s.lacks = waits.Wait{Reason: waits.InputAway, Detail: "3 of 12 pieces are with nobody"}
	})
	expect(anthillv1.WaitReason_WAIT_REASON_INPUT_AWAY, "input: 3 of 12 pieces are with nobody; waiting for the submitter")
	g.results.set(func(s *shelf) { s.lacks = waits.Wait{} })
	for place := range jobs.Place(10) {
		g.accept(id, place, worker, []byte{byte(place)})
	}
	g.results.set(func(s *shelf) {
		s.copying = keeper.Copying{Results: 3, Bytes: 3 << 20, Rate: 8 << 10, From: []jobs.NodeID{worker}}
	})
	expect(anthillv1.WaitReason_WAIT_REASON_RESULTS, "3 results are still to come from bob's "+worker.Short(), "3.0 MiB at 8.0 KiB/s")
	g.results.set(func(s *shelf) { s.copying = keeper.Copying{} })
	expect(anthillv1.WaitReason_WAIT_REASON_RESULTS, "they are being copied to further coordinators")
	held := jobs.ConfirmHeld{Results: []jobs.HeldResults{{Job: id}}}
	g.View(func(s *jobs.State) { held.Coordinator = s.Holders[0] })
	for sequence := range jobs.Sequence(10) {
		held.Results[0].Sequences = append(held.Results[0].Sequences, sequence)
	}
	g.do(jobs.Command{Confirm: &held})
	expect(anthillv1.WaitReason_WAIT_REASON_RESULTS, "further copies of them wait for coordinators's ", "which was last heard of at")
}

// TestNoLeaderIsSaid to who follows a job at a coordinator that has lost it.
func TestNoLeaderIsSaid(t *testing.T) {
	t.Parallel()
	g := start(t)
	ann := g.admit(jobs.Submitter, "ann")
	id := g.submit(ann)
	stream, err := anthillv1.NewJobServiceClient(g.dial(ann, g.follower)).WatchJob(ctx(t), &anthillv1.WatchJobRequest{JobId: string(id)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	go g.AddVoter("ghost", "127.0.0.1:1") // without which there is no majority any more
	lost := time.Now()
	for {
		msg, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if msg.GetJob().GetWait().GetReason() == anthillv1.WaitReason_WAIT_REASON_NO_LEADER {
			break
		}
	}
	if took := time.Since(lost); took > 5*time.Second {
		t.Errorf("it was said after %v", took)
	}
}

// TestJobsAreDescribedWhileTheStateChanges: who reads the state within a look at it waits
// for ever as soon as somebody wants to change it in between.
func TestJobsAreDescribedWhileTheStateChanges(t *testing.T) {
	t.Parallel()
	g := start(t)
	ann, worker := g.admit(jobs.Submitter, "ann"), g.admit(jobs.Worker, "bob").Node()
	g.desk.know(map[jobs.NodeID]uint32{worker: jobs.Metering})
	id := g.submit(ann)
	stop := make(chan struct{})
	var changing sync.WaitGroup
	defer changing.Wait()
	defer close(stop)
	for range 2 {
		changing.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					g.do(jobs.Command{Renew: &jobs.RenewLeases{}})
				}
			}
		})
	}
	client := anthillv1.NewJobServiceClient(g.dial(ann, g.leader))
	for range 300 {
		if _, err := client.GetJob(ctx(t), &anthillv1.GetJobRequest{JobId: string(id)}); err != nil {
			t.Fatal(err)
		}
		if _, err := client.ListJobs(ctx(t), &anthillv1.ListJobsRequest{}); err != nil {
			t.Fatal(err)
		}
	}
}
