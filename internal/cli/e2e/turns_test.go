package e2e

import (
	"context"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/gridtest"
	"github.com/anthill-grid/anthill/internal/lab/handmade"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// testTurns has one owner submit thirty jobs, and then another one: the owners take turns,
// and not their jobs.
func testTurns(t *testing.T, grid *gridtest.Grid) {
	bob, alice := member(t, grid, "bob"), member(t, grid, "alice")
	for range 30 {
		file, _ := echoJob(t, handmade.EchoAfter(300), 20)
		id := submit(t, bob, file)
		t.Cleanup(func() { _, _ = bob.Cancel(context.Background(), id) })
	}
	file, want := echoJob(t, handmade.Echo(), 3)
	began := time.Now()
	id := submit(t, alice, file)
	await(t, alice, id, "its first result", func(j *anthillv1.Job) bool { return j.GetTasks().GetAccepted() > 0 })
	first := time.Since(began)
	t.Logf("beside thirty jobs of another owner, the first result came after %v", first)
	if first > 10*time.Second { // 2 s on a machine that does nothing else
		t.Errorf("beside thirty jobs of another owner, the first result took %v", first)
	}
	awaitSuccess(t, alice, id)
	expectResults(t, alice, id, want)
}
