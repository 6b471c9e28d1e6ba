package cli

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/worker/executor"
)

// subjectOfGrid is a task of a job that was submitted, with all that it runs and reads, which
// goes into dir.
func subjectOfGrid(cmd *cobra.Command, job string, index uint32, dir string) (*subject, error) {
	for _, name := range jobFields {
		if cmd.Flags().Changed(name) {
			return nil, problem.Invalid("leave it out: the job says it", "--%s does not go together with --from", name)
		}
	}
	grid, err := connect(cmd, followPatience)
	if err != nil {
		return nil, err
	}
	defer grid.Close()
	described, err := grid.Job(cmd.Context(), job)
	if err != nil {
		return nil, err
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return nil, fmt.Errorf("task test: %w", err)
	}
	files, err := grid.FetchTask(cmd.Context(), described, index, dir)
	if err != nil {
		return nil, err
	}
	s := &subject{path: "bundle of " + described.GetId(), task: executor.TaskOf(described.GetId(), index, described.GetSpec())}
	s.task.Module, s.task.Data, s.task.Stdin = files.Module, files.Data, files.Shard
	s.task.ModuleID = fmt.Sprintf("%x", described.GetSpec().GetBundle().GetId())
	if s.module, err = os.ReadFile(files.Module); err != nil {
		return nil, fmt.Errorf("task test: %w", err)
	}
	return s, nil
}
