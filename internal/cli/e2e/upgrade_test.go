package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/gridtest"
	"github.com/anthill-grid/anthill/internal/lab/handmade"
	"github.com/anthill-grid/anthill/internal/lab/localgrid"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/sdk"
)

// TestUpgrade takes a grid of the release before, whose binary ANTHILL_BEFORE names, to
// this one, a node after the other, while jobs run and the leader is killed in between:
// once half way and half back, then all the way. Submitters of both hand in jobs at every
// step. See `make upgrade-test`.
func TestUpgrade(t *testing.T) {
	before := os.Getenv("ANTHILL_BEFORE")
	if before == "" {
		t.Skip("make upgrade-test builds the release before, and runs this")
	}
	grid := gridtest.Start(t, gridtest.Config{
		Exe: before, Workers: append(gridtest.Friends("ada", "bruno", "chen"), localgrid.Worker{Owner: "dora", Prior: 0.001}),
	})
	u := &upgrade{T: t, grid: grid, older: *grid, before: before, wants: map[string]map[int]string{}}
	u.older.Exe = before
	u.client = grid.Connect(t)

	u.step("all is old")
	u.swap("c3", grid.Exe)
	u.step("one coordinator is new")
	u.swap("w1", grid.Exe)
	u.swap("c2", grid.Exe)
	u.step("two coordinators and a worker are new")
	u.killLeader()
	u.step("the leader was killed")
	u.swap("c3", before)
	u.swap("w1", before)
	u.step("half back")
	u.swap("w2", grid.Exe)
	u.killLeader()
	u.step("the leader was killed again")
	for _, name := range []string{"c3", "c2", "c1"} {
		u.swap(name, grid.Exe)
	}
	u.awaitRules()
	u.step("all coordinators are new")
	u.expectTooOld()
	for _, name := range []string{"w1", "w2", "w3", "w4"} {
		u.swap(name, grid.Exe)
	}
	u.killLeader()
	u.step("all is new")
	for id, want := range u.wants {
		awaitSuccess(t, u.client, id)
		expectResults(t, u.client, id, want)
	}
	grid.ExpectAlive(t)
}

// upgrade is a grid on its way from one release to the next.
type upgrade struct {
	*testing.T
	grid   *gridtest.Grid
	older  gridtest.Grid // the same, with the commands of the release before
	before string
	client *sdk.Grid
	// long is a job that runs, and wants the results of all such that there were.
	long  string
	wants map[string]map[int]string
	jobs  int
}

// swap goes on with another binary where it is run.
func (u *upgrade) swap(name, exe string) {
	u.Helper()
	if err := u.grid.Swap(within(u.T, time.Minute), name, exe); err != nil {
		u.Fatal(err)
	}
}

func (u *upgrade) killLeader() {
	u.Helper()
	leader, err := u.grid.Leader(within(u.T, time.Minute))
	if err != nil {
		u.Fatal(err)
	}
	u.grid.KillAll(u.T, leader)
	u.grid.RestartAll(u.T, leader)
}

// step has submitters of both releases hand in a job, wait for it and read its results, by
// a command of the other release too, and looks whether the long job goes on.
func (u *upgrade) step(what string) {
	u.Helper()
	began := time.Now()
	u.keepBusy()
	accepted := u.accepted()
	u.through(what+": by the release before", &u.older, u.grid)
	u.through(what+": by this release", u.grid, &u.older)
	for end := time.Now().Add(deadline); !u.finished() && u.accepted() <= accepted; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			u.Fatalf("%s: the job stands still", what)
		}
	}
	u.Logf("%s: %v", what, time.Since(began).Round(100*time.Millisecond))
}

// keepBusy has the workers work until the next step at least.
func (u *upgrade) keepBusy() {
	u.Helper()
	if u.long != "" && !u.finished() {
		return
	}
	file, want := echoJob(u.T, handmade.EchoAfter(100), 150)
	u.long = submit(u.T, u.client, file)
	u.wants[u.long] = want
}

func (u *upgrade) job() *anthillv1.Job {
	u.Helper()
	job, err := u.client.Job(u.T.Context(), u.long)
	if err != nil {
		u.Fatal(err)
	}
	return job
}

func (u *upgrade) accepted() uint32 { return u.job().GetTasks().GetAccepted() }

func (u *upgrade) finished() bool { return sdk.Finished(u.job()) }

func (u *upgrade) through(what string, by, other *gridtest.Grid) {
	u.Helper()
	u.jobs++
	dir, data := u.TempDir(), random(300<<10)
	for name, content := range map[string][]byte{
		"guest.wasm": handmade.Echo(), "large": data,
		"job.yaml": fmt.Appendf(nil, "name: step%d\nbundle: guest.wasm\ninput: {files: [large]}\n", u.jobs),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			u.Fatal(err)
		}
	}
	code, stdout, stderr := by.Run(u.T, "submit", filepath.Join(dir, "job.yaml"), "--wait", "-o", filepath.Join(dir, "own"))
	if code != 0 {
		u.Fatalf("%s: submit: exit code %d, %s", what, code, stderr)
	}
	id := strings.TrimSpace(stdout)
	if code, _, stderr := other.Run(u.T, "results", id, "-o", filepath.Join(dir, "other")); code != 0 {
		u.Fatalf("%s: results by the other: exit code %d, %s", what, code, stderr)
	}
	for _, reader := range []string{"own", "other"} {
		if got, err := os.ReadFile(filepath.Join(dir, reader, "task-000000.out")); err != nil || !slices.Equal(got, data) {
			u.Errorf("%s: %s: %d bytes, want %d, %v", what, reader, len(got), len(data), err)
		}
	}
}

// awaitRules waits until the newest rules are in force.
func (u *upgrade) awaitRules() {
	u.Helper()
	for end := time.Now().Add(deadline); ; time.Sleep(200 * time.Millisecond) {
		for _, name := range []string{"c1", "c2", "c3"} {
			if strings.Contains(u.grid.Log(u.T, name), "newer rules are in force") {
				return
			}
		}
		if time.Now().After(end) {
			u.Fatal("the newer rules are not in force")
		}
	}
}

// expectTooOld has a coordinator of the release before start on the new log, and another
// join: both are told what to do, and so are the operators.
func (u *upgrade) expectTooOld() {
	u.Helper()
	if err := u.grid.Swap(within(u.T, time.Minute), "c2", u.before); err == nil || !strings.Contains(err.Error(), "upgrade this coordinator") {
		u.Errorf("a coordinator of the release before on newer data: %v", err)
	}
	u.swap("c2", u.grid.Exe)
	token := u.grid.Token(u.T, anthillv1.Role_ROLE_COORDINATOR, "operator", time.Hour)
	code, _, stderr := u.older.Run(u.T, "coordinator", "--data", filepath.Join(u.TempDir(), "c4"), "--listen", freePort(u.T), "--join", token)
	if code == 0 || !strings.Contains(stderr, "upgrade anthill on that machine") {
		u.Errorf("a coordinator of the release before joins: exit code %d, %s", code, stderr)
	}
	told := false
	for _, name := range []string{"c1", "c2", "c3"} {
		told = told || strings.Contains(u.grid.Log(u.T, name), "too old wanted to join")
	}
	if !told {
		u.Error("no coordinator tells of one that was too old to join")
	}
}
