package e2e

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/lab/gridtest"
	"github.com/anthill-grid/anthill/internal/lab/handmade"
	"github.com/anthill-grid/anthill/internal/lab/localgrid"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// expectSoon waits for what must come within five seconds.
func expectSoon(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(soon); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if done() {
			return
		}
	}
	t.Errorf("after %v: no %s", soon, what)
}

// has says whether any file of a node's store holds these bytes.
func has(t *testing.T, dir string, data []byte) (found bool) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(dir, "blobs"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // it has just gone
		}
		text, err := os.ReadFile(path)
		found = found || err == nil && bytes.Contains(text, data)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestDenyLists: a line in a donor's list ends what runs here of the blob, without loss of
// reliability, and what an operator denies is gone from everywhere.
func TestDenyLists(t *testing.T) {
	list := filepath.Join(t.TempDir(), "donor.deny")
	writeFile(t, list, []byte("version: 1\nname: mine\n---\n# nothing yet\n"))
	grid := gridtest.Start(t, gridtest.Config{Coordinators: 1, Workers: []localgrid.Worker{
		{Owner: "ada", Prior: 0.001, Args: []string{"--deny-list", list}}, {Owner: "bruno", Prior: 0.001},
	}})
	client := grid.Connect(t)
	file, _ := echoJob(t, handmade.Loop(), 1)
	file.Trust.Replicas, file.Trust.Quorum = 2, 2
	id := submit(t, client, file)
	awaitNode(t, grid, client, "w1", hasLease)
	awaitNode(t, grid, client, "w2", hasLease)
	await(t, client, id, "two running attempts", func(j *anthillv1.Job) bool { return j.GetTasks().GetRunning() > 0 && j.GetAttempts().GetStarted() == 2 })
	bundle := blob.Of(handmade.Loop()).ID()
	expectSoon(t, "bundle at the worker", func() bool { return has(t, grid.Dir("w1"), handmade.Loop()) })

	writeFile(t, list, []byte("# I will not run this\n/anthill/"+bundle.String()+" reason=mine\n"))
	expectSoon(t, "declined attempt", func() bool {
		job, err := client.Job(t.Context(), id)
		return err == nil && job.GetAttempts().GetReturned() == 1
	})
	expectSoon(t, "removal from the donor's disk", func() bool { return !has(t, grid.Dir("w1"), handmade.Loop()) })
	awaitNode(t, grid, client, "w1", func(n *anthillv1.Node) bool {
		if n.GetReliability() < 0.999 {
			t.Errorf("what its donor denies took it to a reliability of %v", n.GetReliability())
		}
		return !hasLease(n)
	})
	if job, err := client.Job(t.Context(), id); err != nil || job.GetAttempts().GetStarted() > 2 || job.GetState() != anthillv1.JobState_JOB_STATE_RUNNING {
		t.Errorf("it was offered again, or the job ended: %v, %v", job.GetAttempts(), err)
	}

	must(t, grid, "deny", "add", "--reason", "court order", bundle.String())
	expectSoon(t, "end of the job", func() bool {
		job, err := client.Job(t.Context(), id)
		return err == nil && job.GetState() == anthillv1.JobState_JOB_STATE_FAILED && strings.Contains(job.GetReason(), "deny list")
	})
	for _, node := range []string{"c1", "w2"} {
		expectSoon(t, "removal at "+node, func() bool { return !has(t, grid.Dir(node), handmade.Loop()) })
	}
	if text := must(t, grid, "deny", "list"); !strings.Contains(text, "court order") || strings.Contains(text, bundle.String()) {
		t.Errorf("the list says\n%s", text)
	}
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "loop.wasm"), handmade.Loop())
	if code, _, stderr := grid.Run(t, "put", filepath.Join(dir, "loop.wasm")); code == 0 || !strings.Contains(stderr, "deny list") {
		t.Errorf("it is put again: exit code %d, %s", code, stderr)
	}
	must(t, grid, "deny", "rm", bundle.String())
	must(t, grid, "put", filepath.Join(dir, "loop.wasm"))
	grid.ExpectAlive(t)
}
