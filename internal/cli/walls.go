package cli

import (
	"slices"
	"strings"

	"github.com/anthill-grid/anthill/worker/sandbox/walls"
)

// explainWalls says in plain words, a line each, what stands between a guest and the
// donor's machine. The first is true everywhere: children are started that way, and end
// when their pipe to the worker does.
func explainWalls(w walls.State) string {
	lines := []string{"each task runs in a process of its own, without the worker's environment and open files, that dies with the worker"}
	calls := "can start no program, and reach no other process and no network (seccomp)"
	if !stands(w, "seccomp") {
		calls = "is NOT kept from starting programs, from other processes and the network"
	}
	files := "can touch no file but those that tasks read and the code cache (landlock)"
	if !stands(w, "landlock") {
		files = "is NOT kept from the files that the worker can read and write"
	}
	for _, what := range []string{calls, files} {
		lines = append(lines, "one that breaks out of the engine "+what)
	}
	return "  " + strings.Join(lines, "\n  ")
}

// stands tells whether a wall does; a version may follow its name.
func stands(w walls.State, name string) bool {
	return slices.ContainsFunc(w.Standing, func(s string) bool { return strings.HasPrefix(s, name) })
}
