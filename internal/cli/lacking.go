package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/anthill-grid/anthill/sdk"
)

// lacking are the tasks of a finished job that have no result.
type lacking struct {
	failed  []failedTask
	missing []sdk.TaskInput // the job ended before
}

// failedTask is one that failed, with its exit code unless it was given up.
type failedTask struct {
	sdk.TaskInput
	exitCode string
}

// toldTasks is how many tasks of a kind are named.
const toldTasks = 5

// tell names the first of them, and says where all are listed and how to run them.
func (l lacking) tell(w io.Writer, id, dir string) {
	if len(l.failed)+len(l.missing) == 0 {
		return
	}
	var failed, missing []string
	for _, f := range l.failed[:min(toldTasks, len(l.failed))] {
		how := "given up"
		if f.exitCode != "" {
			how = "exit code " + f.exitCode
		}
		failed = append(failed, named(f.TaskInput)+": "+how)
	}
	for _, t := range l.missing[:min(toldTasks, len(l.missing))] {
		missing = append(missing, named(t))
	}
	tellTasks(w, id, "failed", len(l.failed), failed)
	tellTasks(w, id, "never finished", len(l.missing), missing)
	fmt.Fprintf(w, "%s: all of them are in %s/%s; run them again: anthill submit JOB.yaml --only-missing %s\n", id, strings.TrimSuffix(dir, "/"), manifestName, id)
}

func tellTasks(w io.Writer, id, what string, n int, words []string) {
	if n == 0 {
		return
	}
	tasks := "tasks"
	if n == 1 {
		tasks = "task"
	}
	rest := ""
	if n > len(words) {
		rest = ", ..."
	}
	fmt.Fprintf(w, "%s: %d %s %s: %s%s\n", id, n, tasks, what, strings.Join(words, ", "), rest)
}

// named is a task by its number and what it reads.
func named(t sdk.TaskInput) string {
	if t.Text == "" {
		return fmt.Sprint(t.Task)
	}
	return fmt.Sprintf("%d (%s)", t.Task, oneLine(t.Text))
}
