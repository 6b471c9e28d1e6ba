// Package e2e tests the whole: grids of real processes, of which some are
// killed, and the anthill command. Tests that break the grid have one of their
// own, the others share that of TestGrid. Those that mostly wait run beside each
// other; those that look at a clock run alone.
package e2e

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/lab/gridtest"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/sdk"
)

const succeeded = anthillv1.JobState_JOB_STATE_SUCCEEDED

// deadline is generous: machines may run other tests besides.
const deadline = 2 * time.Minute

// within is the test's context, with a deadline.
func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// write makes a file in a directory of the test's, and returns its path.
func write(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// random makes bytes that nobody has cached yet.
func random(n int) []byte {
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(rand.Uint32())
	}
	return data
}

// echoJob is a job of n tasks which give back what they read, and their results.
func echoJob(t *testing.T, module []byte, n int) (*sdk.JobFile, map[int]string) {
	t.Helper()
	file := &sdk.JobFile{Name: "echo", Bundle: write(t, "guest.wasm", module)}
	want := map[int]string{}
	for i := range n {
		item := fmt.Sprintf("item %d of %d", i, n)
		file.Input.Items = append(file.Input.Items, item)
		want[i] = item + "\n"
	}
	return file, want
}

// submit hands a job in and leaves.
func submit(t *testing.T, client *sdk.Grid, file *sdk.JobFile) (id string) {
	t.Helper()
	job, err := client.Submit(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	if err := job.WaitUploaded(within(t, deadline)); err != nil {
		t.Fatal(err)
	}
	if err := job.Close(); err != nil {
		t.Fatal(err)
	}
	return job.ID()
}

// await follows a job until it is as it should be.
func await(t *testing.T, client *sdk.Grid, id, what string, done func(*anthillv1.Job) bool) *anthillv1.Job {
	t.Helper()
	var last *anthillv1.Job
	for update, err := range client.Watch(within(t, deadline), id) {
		if err != nil {
			t.Fatalf("wait for %s: %v; last seen: %v", what, err, last)
		}
		if last = update.Job; done(last) {
			return last
		}
	}
	t.Fatalf("job %s ended before %s: %v", id, what, last)
	return nil
}

func awaitAccepted(t *testing.T, client *sdk.Grid, id string, n uint32) {
	t.Helper()
	await(t, client, id, fmt.Sprintf("%d results", n), func(j *anthillv1.Job) bool { return j.GetTasks().GetAccepted() >= n })
}

func awaitSuccess(t *testing.T, client *sdk.Grid, id string) *anthillv1.Job {
	t.Helper()
	return await(t, client, id, "success", func(j *anthillv1.Job) bool { return j.GetState() == succeeded })
}

// expectRunning makes sure that the job did not end before the test broke the
// grid.
func expectRunning(t *testing.T, client *sdk.Grid, id string) {
	t.Helper()
	job, err := client.Job(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if sdk.Finished(job) {
		t.Fatalf("the job was too short for this test: %v", job)
	}
}

// collect reads all results of a job, and fails at one that comes twice.
func collect(ctx context.Context, client *sdk.Grid, id string) (map[int]string, error) {
	got, next := map[int]string{}, uint64(0)
	for result, err := range client.Results(ctx, id) {
		if err != nil {
			return nil, err
		}
		data, err := result.Bytes(ctx)
		if err != nil {
			return nil, err
		}
		if _, twice := got[result.Task]; twice {
			return nil, fmt.Errorf("the result of task %d came twice", result.Task)
		}
		if result.Sequence < next { // those of replaced results are left out
			return nil, fmt.Errorf("task %d has sequence %d, after %d", result.Task, result.Sequence, next-1)
		}
		next = result.Sequence + 1
		got[result.Task] = string(data)
	}
	return got, nil
}

func expectResults(t *testing.T, client *sdk.Grid, id string, want map[int]string) {
	t.Helper()
	got, err := collect(within(t, deadline), client, id)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, got, want)
}

func compare(t *testing.T, got, want map[int]string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("results of %d tasks, want %d", len(got), len(want))
	}
	for _, task := range slices.Sorted(maps.Keys(want)) {
		if got[task] != want[task] {
			t.Errorf("task %d: %d bytes, %.40q; want %d bytes, %.40q", task, len(got[task]), got[task], len(want[task]), want[task])
		}
	}
}

// follow collects results while the test goes on; the returned function waits
// for the end.
func follow(t *testing.T, client *sdk.Grid, id string) (wait func() map[int]string) {
	t.Helper()
	var got map[int]string
	var err error
	done := make(chan struct{})
	ctx := within(t, deadline)
	go func() {
		defer close(done)
		got, err = collect(ctx, client, id)
	}()
	return func() map[int]string {
		t.Helper()
		<-done
		if err != nil {
			t.Fatalf("results while the job ran: %v", err)
		}
		return got
	}
}

// awaitNode asks for a process's node until it is as it should be.
func awaitNode(t *testing.T, grid *gridtest.Grid, client *sdk.Grid, process string, done func(*anthillv1.Node) bool) {
	t.Helper()
	dir, err := identity.Load(grid.Dir(process))
	if err != nil {
		t.Fatal(err)
	}
	ctx := within(t, deadline)
	for {
		nodes, err := client.Nodes(ctx)
		if err != nil {
			t.Fatalf("wait for %s: %v", process, err)
		}
		for _, n := range nodes {
			if n.GetId() == string(dir.Identity.Node()) && done(n) {
				return
			}
		}
	}
}

func hasLease(n *anthillv1.Node) bool { return n.GetLeases() > 0 }
