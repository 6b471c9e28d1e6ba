package e2e

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/gridtest"
	"github.com/anthill-grid/anthill/internal/lab/handmade"
	"github.com/anthill-grid/anthill/worker/control"
)

// TestCoordinatorOfASessionIsKilled: the worker goes to the one in reserve at once, and
// loses nothing of what it runs.
func TestCoordinatorOfASessionIsKilled(t *testing.T) {
	grid := gridtest.Start(t, gridtest.Config{Workers: gridtest.Friends("ada", "bruno")})
	client := grid.Connect(t)
	file, want := echoJob(t, handmade.EchoAfter(1000), 2)
	id := submit(t, client, file)
	awaitNode(t, grid, client, "w1", hasLease)
	var before control.Status
	for before.Reserve == "" {
		before = statusOf(t, grid, "w1")
	}
	grid.KillAll(t, grid.CoordinatorAt(before.Coordinator))
	began := time.Now()
	for statusOf(t, grid, "w1").Coordinator != before.Reserve {
		if time.Since(began) > 20*time.Second {
			t.Fatalf("it is with %s still, of which %s was killed", statusOf(t, grid, "w1").Coordinator, before.Coordinator)
		}
	}
	t.Logf("moved after %v", time.Since(began).Round(time.Millisecond))
	if took := time.Since(began); took > 5*time.Second { // less than two, where nothing else runs
		t.Errorf("moved after %v", took)
	}
	job := awaitSuccess(t, client, id)
	if a := job.GetAttempts(); a.GetLost()+a.GetReturned() > 0 {
		t.Errorf("attempts were lost: %v", a)
	}
	expectResults(t, client, id, want)
}

func statusOf(t *testing.T, grid *gridtest.Grid, worker string) (s control.Status) {
	t.Helper()
	code, stdout, stderr := grid.Run(t, "worker", "status", "--data", grid.Dir(worker), "-o", "json")
	if err := json.Unmarshal([]byte(stdout), &s); code != 0 || err != nil {
		t.Fatalf("worker status: exit code %d, %v, %s", code, err, stderr)
	}
	return s
}
