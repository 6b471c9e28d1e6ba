package gridtest

import (
	"os"
	"slices"
	"strings"
	"testing"

	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/sdk"
)

func TestGrid(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	grid := Start(t, Config{Coordinators: 1, Workers: Friends("ada", "bruno")})
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("the build left %v, %v", left, err)
	}
	if ended := grid.Ended(); len(ended) > 0 {
		t.Errorf("%v ended, but nobody was killed", ended)
	}
	grid.KillAll(t, "w1", "c1")
	if ended := grid.Ended(); !slices.Equal(ended, []string{"c1", "w1"}) {
		t.Errorf("%v ended, want c1 and w1", ended)
	}
	grid.RestartAll(t, "c1", "w1")
	grid.ExpectAlive(t)
	if log := grid.Log(t, "c1"); strings.Count(log, "initial configuration") != 2 {
		t.Errorf("c1 has not started twice:\n%s", log)
	}
}

func TestCommands(t *testing.T) {
	grid := Start(t, Config{Coordinators: 1, Workers: Friends("ada")})
	code, stdout, stderr := grid.Run(t, "nodes")
	if code != 0 || strings.Count(stdout, "\n") != 3 {
		t.Errorf("nodes: exit code %d\n%s%s", code, stdout, stderr)
	}
	ann := grid.Join(t, "ann")
	if code, _, stderr := grid.RunAs(t, ann, "token", "create", "--role", "worker"); code != 1 || !strings.Contains(stderr, "a submitter may not") {
		t.Errorf("a submitter makes a token: exit code %d\n%s", code, stderr)
	}
	jobs, err := connect(t, ann).Jobs(t.Context())
	if err != nil || len(jobs) > 0 {
		t.Errorf("jobs %v, %v; want none", jobs, err)
	}
	token := grid.Token(t, anthillv1.Role_ROLE_WORKER, "ann", 1e9)
	if _, err := sdk.Join(t.Context(), token, t.TempDir(), sdk.JoinOptions{}); err == nil {
		t.Error("a token for a worker made a submitter")
	}
}
