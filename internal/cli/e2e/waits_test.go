package e2e

import (
	"errors"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/gridtest"
	"github.com/anthill-grid/anthill/internal/lab/handmade"
	"github.com/anthill-grid/anthill/internal/lab/localgrid"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/sdk"
)

// soon is how long it may take until people are told what is waited for.
const soon = 5 * time.Second

// expectWait wants a job to say within five seconds what it waits for.
func expectWait(t *testing.T, client *sdk.Grid, id string, want anthillv1.WaitReason) {
	t.Helper()
	var last *anthillv1.Job
	for end := time.Now().Add(soon); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		job, err := client.Job(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if last = job; job.GetWait().GetReason() == want {
			t.Logf("%s: %s", id, job.GetWaiting())
			return
		}
	}
	t.Errorf("after %v job %s does not say %v: %v", soon, id, want, last)
}

// TestEveryWaitHasAReason that shows within five seconds, on a grid of real processes.
func TestEveryWaitHasAReason(t *testing.T) {
	workers := []localgrid.Worker{{Owner: "ada", Prior: 0.001}, {Owner: "slow", Prior: 0.001, Upload: "4KiB/s"}}
	grid := gridtest.Start(t, gridtest.Config{Workers: workers})
	client := grid.Connect(t)
	job := func(name string, module []byte, n int, replicas uint32) string {
		file, _ := echoJob(t, module, n)
		file.Name, file.Trust.Replicas = name, replicas
		return submit(t, client, file)
	}
	grid.KillAll(t, "w1", "w2")
	awaitWorkers(t, client, 0)
	expectWait(t, client, job("alone", handmade.Echo(), 1, 1), anthillv1.WaitReason_WAIT_REASON_NO_WORKER)
	grid.RestartAll(t, "w1")
	awaitWorkers(t, client, 1)
	expectWait(t, client, job("two", handmade.Echo(), 1, 2), anthillv1.WaitReason_WAIT_REASON_QUORUM)

	strange, _ := echoJob(t, handmade.Echo(), 2)
	strange.Trust.MaxError = 1e-9
	expectWait(t, client, submit(t, client, strange), anthillv1.WaitReason_WAIT_REASON_OWNERS_ASKED)

	long := job("long", handmade.EchoAfter(60_000), 100, 1)
	await(t, client, long, "as many attempts as the worker takes", func(j *anthillv1.Job) bool { return j.GetTasks().GetRunning() > 1 })
	time.Sleep(500 * time.Millisecond)
	behind := job("behind", handmade.Echo(), 1, 1)
	expectWait(t, client, behind, anthillv1.WaitReason_WAIT_REASON_BUSY)
	if code, _, stderr := grid.Run(t, "worker", "pause", "--data", grid.Dir("w1")); code != 0 {
		t.Fatalf("pause: %d, %s", code, stderr)
	}
	expectWait(t, client, long, anthillv1.WaitReason_WAIT_REASON_PAUSED)
	expectWait(t, client, behind, anthillv1.WaitReason_WAIT_REASON_PAUSED)
	cancel(t, client, long, behind)

	grid.RestartAll(t, "w2")
	awaitWorkers(t, client, 2)
	expectWait(t, client, job("large", handmade.Pad(3<<20), 2, 1), anthillv1.WaitReason_WAIT_REASON_RESULTS)
	expectNoLeader(t, grid, client)
}

// awaitWorkers waits until so many workers are alive.
func awaitWorkers(t *testing.T, client *sdk.Grid, want int) {
	t.Helper()
	for end := time.Now().Add(deadline); ; time.Sleep(100 * time.Millisecond) {
		nodes, err := client.Nodes(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, x := range nodes {
			if x.GetRole() == anthillv1.Role_ROLE_WORKER && x.GetLiveness() == anthillv1.Liveness_LIVENESS_ALIVE {
				n++
			}
		}
		if n == want {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d workers are alive, want %d", n, want)
		}
	}
}

func cancel(t *testing.T, client *sdk.Grid, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if _, err := client.Cancel(t.Context(), id); err != nil && !errors.Is(err, sdk.ErrRefused) {
			t.Fatal(err)
		}
	}
}

// expectNoLeader follows a job while two of three coordinators are killed.
func expectNoLeader(t *testing.T, grid *gridtest.Grid, client *sdk.Grid) {
	t.Helper()
	file, _ := echoJob(t, handmade.EchoAfter(60_000), 1)
	file.Trust.Replicas = 1
	id := submit(t, client, file)
	said := make(chan error, 1)
	go func() {
		for update, err := range client.Watch(t.Context(), id) {
			if err != nil || update.Job.GetWait().GetReason() == anthillv1.WaitReason_WAIT_REASON_NO_LEADER {
				said <- err
				return
			}
		}
	}()
	time.Sleep(time.Second)
	grid.KillAll(t, "c1", "c2")
	// A coordinator finds out by the leader's silence, and the client by its own.
	const silence = 5 * time.Second
	select {
	case err := <-said:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(silence + soon):
		t.Error("nobody says that there is no leader")
	}
}
