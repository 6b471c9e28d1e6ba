package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/gridtest"
	"github.com/anthill-grid/anthill/internal/lab/handmade"
)

// slowEcho computes for about a tenth of a second: long enough that a worker
// cannot finish the job with the leases that it holds.
func slowEcho() []byte { return handmade.EchoAfter(50) }

func TestLeaderIsKilled(t *testing.T) {
	t.Parallel()
	grid := gridtest.Start(t, gridtest.Config{Workers: gridtest.Friends("ada", "bruno", "chen")})
	client := grid.Connect(t)
	file, want := echoJob(t, slowEcho(), 60)
	id := submit(t, client, file)
	wait := follow(t, client, id)
	awaitAccepted(t, client, id, 5)
	leader, err := grid.Leader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	grid.KillAll(t, leader)
	expectRunning(t, client, id)
	awaitSuccess(t, client, id)
	compare(t, wait(), want)
	expectResults(t, client, id, want)
}

// TestFounderIsKilledEarly kills the only coordinator that the workers knew when they
// were admitted. Their next heartbeat has told them of the others.
func TestFounderIsKilledEarly(t *testing.T) {
	t.Parallel()
	grid := gridtest.Start(t, gridtest.Config{Workers: gridtest.Friends("ada", "bruno")})
	for _, worker := range []string{"w1", "w2"} {
		awaitTold(t, grid, worker, 3)
	}
	grid.KillAll(t, "c1")
	client := grid.Connect(t)
	file, want := echoJob(t, handmade.Echo(), 5)
	id := submit(t, client, file)
	awaitSuccess(t, client, id)
	expectResults(t, client, id, want)
}

// awaitTold waits until a node remembers so many coordinators.
func awaitTold(t *testing.T, grid *gridtest.Grid, name string, coordinators int) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		var told struct {
			Coordinators []string `json:"coordinators"`
		}
		data, err := os.ReadFile(filepath.Join(grid.Dir(name), "grid.json"))
		if err == nil && json.Unmarshal(data, &told) == nil && len(told.Coordinators) == coordinators {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s knows the coordinators %v, %v", name, told.Coordinators, err)
		}
	}
}

func TestWorkerIsKilled(t *testing.T) {
	t.Parallel()
	grid := gridtest.Start(t, gridtest.Config{Workers: gridtest.Friends("ada", "bruno", "chen")})
	client := grid.Connect(t)
	file, want := echoJob(t, handmade.EchoAfter(500), 3)
	id := submit(t, client, file)
	wait := follow(t, client, id)
	awaitNode(t, grid, client, "w1", hasLease)
	grid.KillAll(t, "w1")
	expectRunning(t, client, id)
	job := awaitSuccess(t, client, id)
	if job.GetAttempts().GetLost() == 0 {
		t.Errorf("no attempt was lost with its worker: %v", job.GetAttempts())
	}
	compare(t, wait(), want)
}

func TestAllCoordinatorsAreKilled(t *testing.T) {
	t.Parallel()
	grid := gridtest.Start(t, gridtest.Config{Workers: gridtest.Friends("ada", "bruno", "chen")})
	client := grid.Connect(t)
	file, want := echoJob(t, slowEcho(), 60)
	id := submit(t, client, file)
	wait := follow(t, client, id)
	awaitAccepted(t, client, id, 5)
	grid.KillAll(t, "c1", "c2", "c3")
	expectUnavailable(t, grid)
	grid.RestartAll(t, "c1", "c2", "c3")
	expectRunning(t, client, id)
	awaitSuccess(t, client, id)
	compare(t, wait(), want)
	expectResults(t, client, id, want)
}

// expectUnavailable tries the command on a grid without coordinators.
func expectUnavailable(t *testing.T, grid *gridtest.Grid) {
	t.Helper()
	code, _, stderr := grid.Run(t, "jobs", "--patience", "100ms")
	if code != 4 || !strings.Contains(stderr, "no coordinator could answer") || !strings.Contains(stderr, "check that one of them runs") {
		t.Errorf("with all coordinators down: exit code %d, %s", code, stderr)
	}
}

// TestSucceededMeansHeld kills every worker and the leader as soon as the job
// has succeeded.
func TestSucceededMeansHeld(t *testing.T) {
	t.Parallel()
	grid := gridtest.Start(t, gridtest.Config{Workers: gridtest.Friends("ada", "bruno")})
	client := grid.Connect(t)
	file, want := echoJob(t, handmade.Echo(), 0)
	for i, size := range []int{0, 1, 100, 256 << 10, 256<<10 + 1, 3 << 20} {
		data := random(size)
		want[i] = string(data)
		file.Input.Files = append(file.Input.Files, write(t, "input", data))
	}
	id := submit(t, client, file)
	leader, err := grid.Leader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	awaitSuccess(t, client, id)
	grid.KillAll(t, "w1", "w2", leader)
	expectResults(t, client, id, want)
}
