package cli

import (
	"strings"
	"testing"

	"github.com/anthill-grid/anthill/worker/sandbox/walls"
)

func TestExplainWallsPromisesOnlyWhatStands(t *testing.T) {
	all := explainWalls(walls.State{Standing: []string{"cpu time", "landlock v5", "seccomp"}})
	for _, want := range []string{"dies with the worker", "environment and open files", "nor reach other processes or the network (seccomp)", "(landlock)"} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in\n%s", want, all)
		}
	}
	none := explainWalls(walls.State{Standing: []string{"cpu time"}})
	if strings.Contains(all, "NOT") || strings.Count(none, "is NOT kept") != 2 || strings.Contains(none, "seccomp") {
		t.Errorf("with all walls:\n%s\nwith none:\n%s", all, none)
	}
}
