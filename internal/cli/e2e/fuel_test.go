package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/gridtest"
	"github.com/anthill-grid/anthill/internal/lab/handmade"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/sdk"
)

// testProgress looks at a task while it runs.
func testProgress(t *testing.T, grid *gridtest.Grid) {
	client := grid.Connect(t)
	file, _ := echoJob(t, handmade.CallTree(60), 1)
	id := submit(t, client, file)
	defer func() { _, _ = client.Cancel(context.Background(), id) }()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		task, err := client.Task(t.Context(), id, 0)
		if err == nil && len(task.GetAttempts()) > 0 && task.GetAttempts()[0].GetFuel() > 1000 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("no fuel is seen of the running task: %v, %v", task, err)
		}
	}
}

// testFuel has a job whose work is counted and agreed on, and one that runs out of
// fuel: a result like any other, which ends the job in the end.
func testFuel(t *testing.T, grid *gridtest.Grid) {
	client := grid.Connect(t)
	file, want := echoJob(t, handmade.EchoAfter(1), 3)
	file.Limits.Fuel = 100_000_000
	id := submit(t, client, file)
	awaitSuccess(t, client, id)
	expectResults(t, client, id, want)
	job, err := client.Job(t.Context(), id)
	if err != nil || job.GetFuelUsed() < 3_000_000 || job.GetFuelUsed() > 300_000_000 {
		t.Errorf("three tasks of a million turns used %d units of fuel, %v", job.GetFuelUsed(), err)
	}
	testProgress(t, grid)
	endless, _ := echoJob(t, handmade.Loop(), 2)
	endless.Limits.Fuel = 1_000_000
	id = submit(t, client, endless)
	job = await(t, client, id, "it ends", sdk.Finished)
	if job.GetState() != anthillv1.JobState_JOB_STATE_FAILED || !strings.Contains(job.GetReason(), "out of fuel: used 1000000 of 1000000") {
		t.Errorf("an endless job with little fuel is %v because %q", job.GetState(), job.GetReason())
	}
}
