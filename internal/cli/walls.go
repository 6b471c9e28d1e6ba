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
	lines := []string{"each task runs in a process of its own that has none of the worker's environment and open files, and dies with the worker"}
	calls := "cannot start programs, nor reach other processes or the network (seccomp)"
	if !stands(w, "seccomp") {
		calls = "is NOT kept from starting programs, nor from other processes or the network"
	}
	files := "can read no files except those that tasks read and the code cache, and write none (landlock)"
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
