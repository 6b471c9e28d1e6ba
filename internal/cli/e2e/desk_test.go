package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/anthill-grid/anthill/internal/lab/gridtest"
	"github.com/anthill-grid/anthill/internal/lab/guests"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/sdk"
)

// TestOnYourDesk runs tasks of a job here that ran there, most of which failed, each in one of
// seven ways: they have to end alike. ANTHILL_DESK says how many tasks.
func TestOnYourDesk(t *testing.T) {
	t.Parallel()
	grid := gridtest.Start(t, gridtest.Config{Coordinators: 1, Workers: gridtest.Friends("ada", "bruno")})
	tasks := 7
	if n, err := strconv.Atoi(os.Getenv("ANTHILL_DESK")); err == nil {
		tasks = n
	}
	client := grid.Connect(t)
	dir := t.TempDir()
	words := filepath.Join(dir, "words")
	if err := os.WriteFile(words, []byte("some words"), 0o600); err != nil {
		t.Fatal(err)
	}
	id := submit(t, client, &sdk.JobFile{
		Name: "moody", Bundle: guests.Build(t, "github.com/anthill-grid/anthill/internal/lab/guests/testdata/moody"),
		Args: []string{"an argument"}, Env: map[string]string{"MOOD": "grey", "ANOTHER": "x"}, Data: map[string]string{"words": words},
		Input: sdk.Input{Range: &sdk.Range{To: int64(tasks), Step: 1}}, AllowFailed: sdk.Allowance{Tasks: uint32(tasks)},
		Limits: sdk.Limits{Fuel: 60_000_000, Memory: 64 << 20, Output: 64 << 10},
	})
	job := await(t, client, id, "it ends", sdk.Finished)
	if job.GetState() != anthillv1.JobState_JOB_STATE_SUCCEEDED || job.GetTasks().GetFailed() != uint32(tasks-(tasks+6)/7) {
		t.Fatalf("the job is %v with %d failed tasks: %s", job.GetState(), job.GetTasks().GetFailed(), job.GetReason())
	}
	same := 0
	for task := range tasks {
		there, err := client.Task(t.Context(), id, uint32(task))
		if err != nil {
			t.Fatal(err)
		}
		if here := runHere(t, grid, id, task); here != endOf(there) {
			t.Errorf("task %d ended there by %q, here by %q", task, endOf(there), here)
		} else {
			same++
		}
	}
	t.Logf("%d of %d tasks end alike", same, tasks)
	testLogs(t, grid, id)
}

// testLogs reads what the failed tasks wrote to stderr, and lets nobody else.
func testLogs(t *testing.T, grid *gridtest.Grid, id string) {
	code, stdout, stderr := grid.Run(t, "logs", id)
	if code != 0 {
		t.Fatalf("logs: %d %s", code, stderr)
	}
	for task := 1; task < 7; task++ {
		if !strings.Contains(stdout, fmt.Sprintf("== task %d, ", task)) || task < 5 && !strings.Contains(stdout, fmt.Sprintf("task of %d drew ", task)) {
			t.Errorf("nothing of task %d in\n%.3000s", task, stdout)
		}
	}
	code, stdout, _ = grid.Run(t, "logs", id, "--task", "6", "-o", "json", "--follow")
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	for _, line := range lines {
		var log struct {
			Task     uint32
			Text     []byte
			ExitCode uint32 `json:"exit_code"`
		}
		if err := json.Unmarshal([]byte(line), &log); err != nil || code != 0 || log.Task != 6 || log.ExitCode != 7 || len(log.Text) != 64<<10 || !strings.HasSuffix(string(log.Text), "the last words of 6\n") {
			t.Errorf("task 6: %v, %d bytes that end with %q", err, len(log.Text), log.Text[max(0, len(log.Text)-40):])
		}
	}
	code, stdout, _ = grid.RunAs(t, grid.Join(t, "stranger"), "logs", id)
	if code == 0 || stdout != "" {
		t.Errorf("a stranger reads %.100q", stdout)
	}
}

// endOf is how a task ended by the votes of the workers.
func endOf(task *anthillv1.GetTaskResponse) string {
	g := task.GetGroups()[0]
	if g.GetFailed() {
		return fmt.Sprintf("code %d, fuel %d", g.GetExitCode(), g.GetFuel())
	}
	return fmt.Sprintf("output %x, fuel %d", g.GetOutput().GetId(), g.GetFuel())
}

// runHere is how it ends by `anthill task test`.
func runHere(t *testing.T, grid *gridtest.Grid, id string, task int) string {
	t.Helper()
	_, stdout, stderr := grid.Run(t, "task", "test", "--from", id, "--task", strconv.Itoa(task), "--no-interpreter", "-o", "json")
	var report struct {
		Runs []struct {
			Ending   string
			ExitCode uint32 `json:"exit_code"`
			Fuel     uint64
			OutputID string `json:"output_id"`
		}
		Differences []string
	}
	if err := json.Unmarshal([]byte(stdout), &report); err != nil || len(report.Runs) != 2 || len(report.Differences) > 0 {
		t.Fatalf("task %d: %v\n%s%s", task, err, stdout, stderr)
	}
	r := report.Runs[0]
	code := map[string]uint32{"out of fuel": 254, "trapped": 255, "output exceeded": 255}[r.Ending]
	switch {
	case r.Ending == "exited" && r.ExitCode == 0:
		return fmt.Sprintf("output %s, fuel %d", strings.ToLower(r.OutputID), r.Fuel)
	case r.Ending == "exited":
		code = r.ExitCode
	}
	return fmt.Sprintf("code %d, fuel %d", code, r.Fuel)
}
