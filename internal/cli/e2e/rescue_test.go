package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/lab/gridtest"
	"github.com/anthill-grid/anthill/internal/lab/handmade"
)

// TestMostCoordinatorsAreLost loses two of three for good while a job runs. The last one
// is made to go on alone, and the job ends; a new coordinator joins, and one that was
// given up is not let in when it comes back.
func TestMostCoordinatorsAreLost(t *testing.T) {
	t.Parallel()
	grid := gridtest.Start(t, gridtest.Config{Workers: gridtest.Friends("ada", "bruno", "chen")})
	client := grid.Connect(t)
	file, want := echoJob(t, slowEcho(), 60)
	id := submit(t, client, file)
	awaitAccepted(t, client, id, 10)
	last, lost := lastOf(t, grid)
	grid.KillAll(t, lost...)
	if code, _, stderr := grid.Run(t, "jobs", "--patience", "100ms"); code != 4 {
		t.Errorf("with one of three: exit code %d, %s", code, stderr)
	}
	grid.KillAll(t, last)

	out := t.TempDir()
	code, _, stderr := grid.Run(t, "coordinator", "results", id, "--data", grid.Dir(last), "-o", out)
	if files, _ := filepath.Glob(filepath.Join(out, "*.out")); code != 1 || len(files) == 0 || !strings.Contains(stderr, "of 60 are not there") {
		t.Errorf("results of the orphan: exit code %d, %d files, %s", code, len(files), stderr)
	}
	if code, _, stderr := grid.Run(t, "coordinator", "recover", "--data", grid.Dir(last)); code != 2 || !strings.Contains(stderr, "--yes") {
		t.Errorf("recover without being asked: exit code %d, %s", code, stderr)
	}
	if code, _, stderr := grid.Run(t, "coordinator", "recover", "--data", grid.Dir(last), "--yes"); code != 0 {
		t.Fatalf("recover: exit code %d, %s", code, stderr)
	}
	grid.RestartAll(t, last)
	awaitSuccess(t, client, id)
	expectResults(t, client, id, want)
	if nodes := coordinatorsOf(t, grid); len(nodes) != 1 {
		t.Errorf("coordinators of the recovered grid: %v", nodes)
	}

	grid.RestartAll(t, lost[0])
	time.Sleep(3 * time.Second) // it would be let in meanwhile
	if nodes := coordinatorsOf(t, grid); len(nodes) != 1 {
		t.Errorf("one that was given up is back: %v", nodes)
	}
	again := submit(t, client, file)
	awaitSuccess(t, client, again)
}

// lastOf is a coordinator that follows, and the two others.
func lastOf(t *testing.T, grid *gridtest.Grid) (last string, others []string) {
	t.Helper()
	leader, err := grid.Leader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all := []string{"c1", "c2", "c3"}
	at := slices.IndexFunc(all, func(name string) bool { return name != leader })
	return all[at], slices.Delete(slices.Clone(all), at, at+1)
}

// coordinatorsOf are the ids of the coordinators that the grid tells of.
func coordinatorsOf(t *testing.T, grid *gridtest.Grid) (ids []string) {
	t.Helper()
	code, stdout, stderr := grid.Run(t, "nodes", "-o", "json", "--patience", "20s")
	if code != 0 {
		t.Fatalf("nodes: exit code %d, %s", code, stderr)
	}
	for line := range strings.Lines(stdout) {
		var node struct{ ID, Role string }
		if err := json.Unmarshal([]byte(line), &node); err != nil {
			t.Fatal(err)
		}
		if node.Role == "ROLE_COORDINATOR" {
			ids = append(ids, node.ID)
		}
	}
	return ids
}

// TestAGridIsRestored loses all coordinators with their disks. What a backup holds goes
// on at the address of one of them: results are there, the job that ran ends.
func TestAGridIsRestored(t *testing.T) {
	t.Parallel()
	grid := gridtest.Start(t, gridtest.Config{Workers: gridtest.Friends("ada", "bruno")})
	client := grid.Connect(t)
	file, want := echoJob(t, handmade.Echo(), 5)
	done := submit(t, client, file)
	awaitSuccess(t, client, done)
	slow, slowWant := echoJob(t, slowEcho(), 30)
	running := submit(t, client, slow)
	awaitAccepted(t, client, running, 3)

	backup := filepath.Join(t.TempDir(), "grid.tar")
	code, _, stderr := grid.Run(t, "backup", "--results", "-o", backup)
	if info, err := os.Stat(backup); code != 0 || err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("backup: exit code %d, %v, %s", code, err, stderr)
	}
	listen := listenOf(t, grid, 1)
	grid.KillAll(t, "c1", "c2", "c3")
	operator := filepath.Join(t.TempDir(), "operator")
	if err := os.CopyFS(operator, os.DirFS(grid.Context())); err != nil {
		t.Fatal(err)
	}
	lock(t, operator)
	for _, c := range []string{"c1", "c2", "c3"} {
		if err := os.RemoveAll(grid.Dir(c)); err != nil {
			t.Fatal(err)
		}
	}

	dir := grid.Dir("c2")
	if code, _, stderr := grid.RunAs(t, operator, "restore", backup, "--data", dir, "--listen", listen); code != 0 {
		t.Fatalf("restore: exit code %d, %s", code, stderr)
	}
	if code, _, _ := grid.RunAs(t, operator, "restore", backup, "--data", dir, "--listen", listen); code != 2 {
		t.Error("restored into a directory that is not empty")
	}
	grid.RestartAll(t, "c2")
	awaitSuccess(t, client, running)
	expectResults(t, client, running, slowWant)
	expectResults(t, client, done, want)
}

// lock makes secrets that were copied secret again.
func lock(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if err := os.Chmod(filepath.Join(dir, e.Name()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// listenOf is where a coordinator listens.
func listenOf(t *testing.T, grid *gridtest.Grid, i int) string {
	t.Helper()
	dir, err := identity.Load(grid.Context())
	if err != nil {
		t.Fatal(err)
	}
	return dir.Coordinators[i]
}
