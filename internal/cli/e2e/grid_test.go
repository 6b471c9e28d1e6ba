package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/gridtest"
	"github.com/anthill-grid/anthill/internal/lab/guests"
	"github.com/anthill-grid/anthill/internal/lab/handmade"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/sdk"
)

// goGuest does what its first argument says.
const goGuest = "github.com/anthill-grid/anthill/worker/sandbox/testdata/guest"

// TestGrid runs what breaks nothing on one grid, good and bad, and then looks
// whether all of its processes live.
func TestGrid(t *testing.T) {
	grid := gridtest.Start(t, gridtest.Config{Workers: gridtest.Friends("ada", "bruno", "chen")})
	t.Run("large output", func(t *testing.T) { testLargeOutput(t, grid) })
	t.Run("data files", func(t *testing.T) { testDataFiles(t, grid) })
	t.Run("cancel", func(t *testing.T) { testCancel(t, grid) })
	t.Run("jobs that nobody has", func(t *testing.T) { testJobsThatNobodyHas(t, grid) })
	t.Run("turns", func(t *testing.T) { testTurns(t, grid) })
	t.Run("fuel", func(t *testing.T) { testFuel(t, grid) })
	t.Run("contract", func(t *testing.T) { testContract(t, grid) })
	t.Run("scripts", func(t *testing.T) { testScripts(t, grid) })
	grid.ExpectAlive(t)
}

// testLargeOutput gives back inputs of many pieces.
func testLargeOutput(t *testing.T, grid *gridtest.Grid) {
	client := grid.Connect(t)
	file, want := echoJob(t, handmade.Echo(), 0)
	for i := range 2 {
		data := random(5<<20 + i)
		want[i] = string(data)
		file.Input.Files = append(file.Input.Files, write(t, "input", data))
	}
	id := submit(t, client, file)
	awaitSuccess(t, client, id)
	expectResults(t, client, id, want)
}

func testDataFiles(t *testing.T, grid *gridtest.Grid) {
	client := grid.Connect(t)
	large := strings.Repeat("0123456789", 60_000)
	id := submit(t, client, &sdk.JobFile{
		Name: "data", Bundle: guests.Build(t, goGuest), Args: []string{"files"},
		Input: sdk.Input{Items: []any{1}},
		Data: map[string]string{
			"small.txt": write(t, "a", []byte("small")), "large.txt": write(t, "b", []byte(large)),
		},
	})
	awaitSuccess(t, client, id)
	line := func(name, content string) string {
		return fmt.Sprintf("%s %d -rw------- %v %q\n", name, len(content), time.Unix(0, 0).UTC(), content)
	}
	expectResults(t, client, id, map[int]string{0: line("large.txt", large) + line("small.txt", "small")})
}

// testCancel fills all slots with tasks that never end. After the job is
// cancelled there must be room for another.
func testCancel(t *testing.T, grid *gridtest.Grid) {
	client := grid.Connect(t)
	file, _ := echoJob(t, handmade.Loop(), 20)
	endless := submit(t, client, file)
	for _, worker := range []string{"w1", "w2", "w3"} {
		awaitNode(t, grid, client, worker, hasLease)
	}
	if code, _, stderr := grid.Run(t, "cancel", endless); code != 0 || !strings.Contains(stderr, "cancelled") {
		t.Fatalf("anthill cancel: exit code %d, %s", code, stderr)
	}
	began := time.Now()
	file, want := echoJob(t, handmade.Echo(), 3)
	file.Trust.Quorum = 3
	id := submit(t, client, file)
	awaitSuccess(t, client, id)
	expectResults(t, client, id, want)
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("the slots were free only %v after the cancel", took)
	}
	job, err := client.Job(t.Context(), endless)
	if err != nil || job.GetState() != anthillv1.JobState_JOB_STATE_CANCELLED || job.GetTasks().GetRunning() != 0 {
		t.Errorf("the cancelled job: %v, %v", job, err)
	}
}
