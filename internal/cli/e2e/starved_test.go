package e2e

import (
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/gridtest"
	"github.com/anthill-grid/anthill/internal/lab/handmade"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// testJobsThatNobodyHas submits many jobs whose program is nowhere. They take no worker
// from a real one, are no stain on any, and say what they wait for.
func testJobsThatNobodyHas(t *testing.T, grid *gridtest.Grid) {
	client := grid.Connect(t)
	conn := dialAs(t, coordinators(t, grid)[0], grid.Context())
	var last string
	for range 60 {
		req := request("")
		req.Provider = "127.0.0.1:1" // where nobody listens
		last = submitPlain(t, conn, req)
	}
	file, want := echoJob(t, handmade.Echo(), 10)
	began := time.Now()
	id := submit(t, client, file)
	awaitSuccess(t, client, id)
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("ten tasks of no length took %v beside jobs that nobody has", took)
	}
	expectResults(t, client, id, want)
	for _, worker := range []string{"w1", "w2", "w3"} {
		awaitNode(t, grid, client, worker, func(n *anthillv1.Node) bool {
			if n.GetReliability() < 0.999 {
				t.Errorf("%s has a reliability of %v", worker, n.GetReliability())
			}
			return true
		})
	}
	job := await(t, client, last, "why it waits", func(j *anthillv1.Job) bool {
		return j.GetWait().GetReason() == anthillv1.WaitReason_WAIT_REASON_INPUT_AWAY
	})
	if job.GetAttempts().GetStarted() != 0 {
		t.Errorf("attempts %v at a job that nobody has", job.GetAttempts())
	}
}
