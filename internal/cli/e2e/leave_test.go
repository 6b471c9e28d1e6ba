package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/anthill-grid/anthill/internal/lab/gridtest"
	"github.com/anthill-grid/anthill/internal/lab/handmade"
)

// TestSubmitterLeaves submits by the command while no worker is there: when it
// has returned, all bytes must come from the grid itself: those for the first worker
// from coordinators, those for later ones from that worker too.
func TestSubmitterLeaves(t *testing.T) {
	t.Parallel()
	grid := gridtest.Start(t, gridtest.Config{Workers: gridtest.Friends("ada", "bruno", "chen")})
	client := grid.Connect(t)
	grid.KillAll(t, "w1", "w2", "w3")
	const size = 6 << 20
	write := func(name string, text string) string {
		return write(t, name, []byte(text))
	}
	shared := write("shared", string(random(size)))
	// So slow that the worker tells the grid meanwhile what it has.
	bundle := write("guest.wasm", string(handmade.EchoAfter(1200)))

	alone := submitByCommand(t, grid, write("job.yaml", fmt.Sprintf(
		"name: alone\nbundle: %s\ninput: {items: [one]}\ndata: {shared: %s}\ntrust: {replicas: 1}\n", bundle, shared)))
	grid.RestartAll(t, "w1")
	job := awaitSuccess(t, client, alone)
	expectResults(t, client, alone, map[int]string{0: "one\n"})
	if f := job.GetFetched(); f.GetFromSubmitter() != 0 || f.GetFromCoordinators() < size {
		t.Errorf("the first worker fetched %v, want %d bytes from coordinators", f, size)
	}

	together := submitByCommand(t, grid, write("job.yaml", fmt.Sprintf(
		"name: together\nbundle: %s\ninput: {items: [two]}\ndata: {shared: %s}\ntrust: {quorum: 3}\n", bundle, shared)))
	grid.RestartAll(t, "w2", "w3")
	job = awaitSuccess(t, client, together)
	expectResults(t, client, together, map[int]string{0: "two\n"})
	if f := job.GetFetched(); f.GetFromWorkers() < size/4 {
		t.Errorf("the other workers fetched %v, want much of %d bytes from the first", f, size)
	}
}

// submitByCommand submits a job, and returns when the command has.
func submitByCommand(t *testing.T, grid *gridtest.Grid, path string) (id string) {
	t.Helper()
	code, stdout, stderr := grid.Run(t, "submit", "--allow-outside", filepath.ToSlash(path))
	if code != 0 || !strings.Contains(stderr, "you can disconnect now") {
		t.Fatalf("anthill submit: exit code %d, %s", code, stderr)
	}
	return strings.TrimSpace(stdout)
}
