package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/sdk"
)

func newStatusCommand() *cobra.Command {
	output, watch := formatTable, false
	var task uint32
	cmd := &cobra.Command{
		Use:   "status JOB",
		Short: "Describe a job, or one of its tasks",
		Long: `Describe a job: how far it is, and how surely its results are right.

With --watch, show its progress until it is finished; the exit code is 1 if it
failed, and 5 if it ended with all results but short of the max_error that was
asked for. With --watch -o json, print one object a line at each change.

With --task, tell what the task reads (an item, a range, a file or a part of one),
which workers tried it, what each of them said, and which result won with what
credibility; of a task that failed, the end of its stderr. Where results of a task
differ, it says from which byte on.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if watch {
				return watchStatus(cmd, args[0], output)
			}
			if cmd.Flags().Changed("task") {
				return taskStatus(cmd, args[0], task, output)
			}
			return jobStatus(cmd, args[0], output)
		},
	}
	addFormatFlag(cmd, &output)
	cmd.Flags().BoolVarP(&watch, "watch", "w", false, "follow the job until it is finished")
	cmd.Flags().Uint32Var(&task, "task", 0, "describe this `task`, from 0, instead of the job")
	cmd.MarkFlagsMutuallyExclusive("watch", "task")
	return cmd
}

func jobStatus(cmd *cobra.Command, id string, output format) error {
	grid, err := connect(cmd, askPatience)
	if err != nil {
		return err
	}
	defer grid.Close()
	job, err := grid.Job(cmd.Context(), id)
	if err != nil {
		return err
	}
	if output == formatJSON {
		return writeJSON(cmd.OutOrStdout(), job)
	}
	if err := writeJob(cmd.OutOrStdout(), job); err != nil {
		return err
	}
	return tellDifferences(cmd, grid, job)
}

// tellDifferences says of a job with disputes how the first of them differed.
func tellDifferences(cmd *cobra.Command, grid *sdk.Grid, job *anthillv1.Job) error {
	if job.GetTasks().GetDisputes() == 0 {
		return nil
	}
	return writeDifferences(cmd.OutOrStdout(), differing(cmd.Context(), grid, job.GetId(), nil))
}

func taskStatus(cmd *cobra.Command, id string, index uint32, output format) error {
	grid, err := connect(cmd, askPatience)
	if err != nil {
		return err
	}
	defer grid.Close()
	task, err := grid.Task(cmd.Context(), id, index)
	if err != nil {
		return err
	}
	if task.Input, err = inputOf(cmd.Context(), grid, id, int(index)); err != nil {
		return err
	}
	if output == formatJSON {
		return writeJSON(cmd.OutOrStdout(), task)
	}
	if err := writeTask(cmd.OutOrStdout(), task); err != nil {
		return err
	}
	if len(task.GetGroups()) < 2 {
		return nil
	}
	return writeDifferences(cmd.OutOrStdout(), differing(cmd.Context(), grid, id, &index))
}

// inputOf says what a task reads, and of which job it is a task if that is another.
func inputOf(ctx context.Context, grid *sdk.Grid, id string, task int) (string, error) {
	job, err := grid.Job(ctx, id)
	if err != nil {
		return "", err
	}
	inputs, err := grid.TaskInputs(ctx, job)
	if err != nil {
		return "", err
	}
	in := inputs.At(task)
	if inputs.Job == id {
		return in.Text, nil
	}
	return strings.TrimSpace(fmt.Sprintf("%s (task %d of %s)", in.Text, in.Task, inputs.Job)), nil
}

func watchStatus(cmd *cobra.Command, id string, output format) error {
	grid, err := connect(cmd, followPatience)
	if err != nil {
		return err
	}
	defer grid.Close()
	if output == formatJSON {
		return watchJSON(cmd, grid, id)
	}
	job, err := follow(cmd.Context(), grid, id, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	if err := writeJob(cmd.OutOrStdout(), job); err != nil {
		return err
	}
	if err := tellDifferences(cmd, grid, job); err != nil {
		return err
	}
	return endingOf(cmd.Context(), grid, job).err()
}

func watchJSON(cmd *cobra.Command, grid *sdk.Grid, id string) error {
	var last *anthillv1.Job
	for update, err := range grid.Watch(cmd.Context(), id) {
		if err != nil {
			return err
		}
		last = update.Job
		if err := writeJSONLines(cmd.OutOrStdout(), []*anthillv1.Job{last}); err != nil {
			return err
		}
	}
	return endingOf(cmd.Context(), grid, last).err()
}

// explainDetach tells a user who interrupted a command how to come back.
func explainDetach(ctx context.Context, cmd *cobra.Command, id string) {
	if ctx.Err() != nil {
		fmt.Fprintf(cmd.ErrOrStderr(), "detached from %s; come back with:\n  anthill status %s --watch\n  anthill results %s -o DIR\n", id, id, id)
	}
}
