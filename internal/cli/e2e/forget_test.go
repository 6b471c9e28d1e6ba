package e2e

import (
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/gridtest"
	"github.com/anthill-grid/anthill/internal/lab/handmade"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/sdk"
)

// TestSpaceIsGivenBack has all coordinators hold the results of a job, large and small
// ones, until it is removed; and those of another until it is cancelled.
func TestSpaceIsGivenBack(t *testing.T) {
	t.Parallel()
	grid := gridtest.Start(t, gridtest.Config{Workers: gridtest.Friends("ada", "bruno")})
	client := grid.Connect(t)
	for name, shard := range map[string]int64{"large": 600_000, "small": 200_000} {
		before := held(t, grid)
		data := random(48 << 20)
		id := submit(t, client, &sdk.JobFile{
			Name: name, Bundle: write(t, "guest.wasm", handmade.Echo()),
			Input: sdk.Input{Split: &sdk.Split{File: write(t, "data", data), Size: sdk.Size(shard)}},
		})
		awaitSuccess(t, client, id)
		awaitHeld(t, grid, "all results are copied", func(n int64) bool { return n >= before[0]+40<<20 })
		if code, _, stderr := grid.Run(t, "jobs", "rm", id); code != 0 {
			t.Fatalf("anthill jobs rm: exit code %d, %s", code, stderr)
		}
		began := time.Now()
		awaitHeld(t, grid, "the space is given back", func(n int64) bool { return n <= before[0]+34<<20 })
		t.Logf("%s results of 48 MiB were gone everywhere after %v: %v bytes are held", name, time.Since(began), held(t, grid))
		if code, _, stderr := grid.Run(t, "status", id); code != 3 || !strings.Contains(stderr, id) {
			t.Errorf("status of a job that was removed: exit code %d, %s", code, stderr)
		}
	}
	before := held(t, grid)
	file := &sdk.JobFile{
		Name: "cancelled", Bundle: write(t, "guest.wasm", handmade.EchoAfter(200)),
		Input: sdk.Input{Split: &sdk.Split{File: write(t, "data", random(60<<20)), Size: 600_000}},
	}
	id := submit(t, client, file)
	await(t, client, id, "half of it", func(j *anthillv1.Job) bool { return j.GetTasks().GetDone() > 30 })
	if code, _, stderr := grid.Run(t, "cancel", id); code != 0 {
		t.Fatalf("anthill cancel: exit code %d, %s", code, stderr)
	}
	began := time.Now()
	// What it reads stays until it is forgotten: somebody may submit it again.
	awaitHeld(t, grid, "its results are gone", func(n int64) bool { return n <= before[0]+70<<20 })
	t.Logf("the results of a cancelled job were gone after %v: %v bytes are held, and %v before", time.Since(began), held(t, grid), before)
	expectTerms(t, grid)
	grid.ExpectAlive(t)
}

// expectTerms sets what an owner may use, and sees it refused beyond that.
func expectTerms(t *testing.T, grid *gridtest.Grid) {
	t.Helper()
	ann := member(t, grid, "ann")
	if code, stdout, stderr := grid.Run(t, "owner", "set", "ann", "--jobs", "1", "--results", "5MiB", "--retain", "2d"); code != 0 || !strings.Contains(stdout, "48h0m0s") {
		t.Fatalf("anthill owner set: exit code %d, %s%s", code, stdout, stderr)
	}
	file, _ := echoJob(t, handmade.Loop(), 1)
	id := submit(t, ann, file)
	_, err := ann.Submit(t.Context(), file)
	if err == nil || !strings.Contains(err.Error(), "1 jobs that run, and may have 1") || !strings.Contains(sdk.NextStep(err), "anthill owner set ann --jobs N") {
		t.Errorf("a second job: %v, next: %s", err, sdk.NextStep(err))
	}
	if _, err := ann.Cancel(t.Context(), id); err != nil {
		t.Error(err)
	}
	if code, stdout, stderr := grid.Run(t, "account", "ann"); code != 0 || !strings.Contains(stdout, "5 MiB") {
		t.Errorf("anthill account: exit code %d, %s%s", code, stdout, stderr)
	}
}

// held are the bytes of blobs on the coordinators' disks.
func held(t *testing.T, grid *gridtest.Grid) (list [3]int64) {
	t.Helper()
	for i, name := range []string{"c1", "c2", "c3"} {
		_ = filepath.WalkDir(filepath.Join(grid.Dir(name), "blobs"), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return nil //nolint:nilerr // it went meanwhile
			}
			if info, err := d.Info(); err == nil {
				list[i] += info.Size()
			}
			return nil
		})
	}
	return list
}

// awaitHeld waits for what each coordinator holds.
func awaitHeld(t *testing.T, grid *gridtest.Grid, what string, enough func(int64) bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) {
		now := held(t, grid)
		if enough(now[0]) && enough(now[1]) && enough(now[2]) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s: after a minute the coordinators hold %v bytes", what, now)
		}
	}
}
