package e2e

import (
	"encoding/json"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/gridtest"
	"github.com/anthill-grid/anthill/internal/lab/handmade"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// standing is a line of `anthill coordinator list -o json`.
type standing struct {
	NodeID        string `json:"node_id"`
	Address       string
	Leader, Voter bool
	Alive         bool
}

// group asks who votes, patiently: somebody may be electing.
func group(t *testing.T, grid *gridtest.Grid) (list []standing) {
	t.Helper()
	code, stdout, stderr := grid.Run(t, "coordinator", "list", "-o", "json", "--patience", "20s")
	if code != 0 {
		t.Fatalf("coordinator list: exit code %d, %s", code, stderr)
	}
	for line := range strings.Lines(stdout) {
		var s standing
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			t.Fatal(err)
		}
		list = append(list, s)
	}
	return list
}

// awaitGroup waits until the group is of voters that are there and of so many spares.
func awaitGroup(t *testing.T, grid *gridtest.Grid, voters, spares int) (list []standing) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) {
		list = group(t, grid)
		votes, follows := 0, 0
		for _, s := range list {
			switch {
			case s.Alive && s.Voter:
				votes++
			case s.Alive:
				follows++
			}
		}
		if votes == voters && follows == spares && len(list) == voters+spares {
			return list
		}
		if time.Now().After(end) {
			t.Fatalf("want %d voters and %d spares, the group is %+v", voters, spares, list)
		}
	}
}

// join starts a further coordinator, and returns what ends it.
func join(t *testing.T, grid *gridtest.Grid, listen string, args ...string) (kill func()) {
	t.Helper()
	token := grid.Token(t, anthillv1.Role_ROLE_COORDINATOR, "operator", time.Hour)
	cmd := exec.Command(grid.Exe, append([]string{"coordinator", "--data", filepath.Join(t.TempDir(), "c"), "--listen", listen, "--join", token, "--with-parent"}, args...)...)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = io.Discard, io.Discard
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = stdin.Close()
	}
	t.Cleanup(kill)
	return kill
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// TestTheGroupGrowsAndShrinks goes from one coordinator to three and back by commands,
// while jobs run. A second one alone is a spare, and its loss harms nobody.
func TestTheGroupGrowsAndShrinks(t *testing.T) {
	t.Parallel()
	grid := gridtest.Start(t, gridtest.Config{Coordinators: 1, Workers: gridtest.Friends("ada", "bruno")})
	client := grid.Connect(t)
	file, want := echoJob(t, handmade.EchoAfter(300), 40)
	id := submit(t, client, file)
	first := awaitGroup(t, grid, 1, 0)[0].NodeID

	second := freePort(t)
	kill := join(t, grid, second)
	awaitGroup(t, grid, 1, 1)
	kill()
	if code, _, stderr := grid.Run(t, "jobs"); code != 0 {
		t.Errorf("after the loss of a spare: exit code %d, %s", code, stderr)
	}
	// Its disk is lost: another one at its address takes its place, and the phantom goes.
	join(t, grid, second)
	awaitGroup(t, grid, 1, 1)
	join(t, grid, freePort(t))
	list := awaitGroup(t, grid, 3, 0)

	other := list[slices.IndexFunc(list, func(s standing) bool { return !s.Leader })].NodeID
	if code, _, stderr := grid.Run(t, "coordinator", "transfer", other[:8]); code != 0 {
		t.Fatalf("transfer: exit code %d, %s", code, stderr)
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		if now := group(t, grid); slices.ContainsFunc(now, func(s standing) bool { return s.Leader && s.NodeID == other }) {
			break
		} else if time.Now().After(end) {
			t.Fatalf("leadership was not transferred: %+v", now)
		}
	}

	for _, s := range list {
		if s.NodeID == first {
			continue
		}
		if code, _, stderr := grid.Run(t, "coordinator", "rm", s.NodeID, "--reason", "test", "--patience", "20s"); code != 0 {
			t.Fatalf("rm: exit code %d, %s", code, stderr)
		}
	}
	if last := awaitGroup(t, grid, 1, 0); last[0].NodeID != first {
		t.Errorf("who is left is %+v", last)
	}
	awaitSuccess(t, client, id)
	expectResults(t, client, id, want)
}

// TestASpareTakesThePlaceOfAVoter that is gone: then the loss of another does not stop
// the grid.
func TestASpareTakesThePlaceOfAVoter(t *testing.T) {
	t.Parallel()
	grid := gridtest.Start(t, gridtest.Config{Coordinators: 1, Workers: gridtest.Friends("ada", "bruno")})
	const soon = "--replace-after=2s"
	var kills []func()
	for range 3 {
		kills = append(kills, join(t, grid, freePort(t), soon))
	}
	awaitGroup(t, grid, 3, 1)
	client := grid.Connect(t) // knows them all
	// The first, whose --replace-after is long, must not be the one that decides.
	founder := listenOf(t, grid, 0)
	leads := func(s standing) bool { return s.Leader && s.Address == founder }
	for slices.ContainsFunc(group(t, grid), leads) {
		if code, _, stderr := grid.Run(t, "coordinator", "transfer"); code != 0 {
			t.Fatalf("transfer: exit code %d, %s", code, stderr)
		}
	}
	grid.KillAll(t, "c1")
	awaitGroup(t, grid, 3, 0)
	kills[0]()
	file, want := echoJob(t, handmade.Echo(), 5)
	id := submit(t, client, file)
	awaitSuccess(t, client, id)
	expectResults(t, client, id, want)
}
