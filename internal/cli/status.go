package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/sdk"
)

func newStatusCommand() *cobra.Command {
	output, watch := formatTable, false
	cmd := &cobra.Command{
		Use:   "status JOB",
		Short: "Describe a job",
		Long: `Describe a job.

With --watch, show its progress until it is finished; the exit code is 1 if it
failed. With --watch -o json, print one object a line at each change.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if watch {
				return watchStatus(cmd, args[0], output)
			}
			grid, err := connect(cmd, askPatience)
			if err != nil {
				return err
			}
			defer grid.Close()
			job, err := grid.Job(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return describe(cmd, job, output)
		},
	}
	addFormatFlag(cmd, &output)
	cmd.Flags().BoolVarP(&watch, "watch", "w", false, "follow the job until it is finished")
	return cmd
}

func describe(cmd *cobra.Command, job *anthillv1.Job, output format) error {
	if output == formatJSON {
		return writeJSON(cmd.OutOrStdout(), job)
	}
	return writeJob(cmd.OutOrStdout(), job)
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
	return outcome(job)
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
	return outcome(last)
}

// outcome is an error if a finished job did not succeed.
func outcome(job *anthillv1.Job) error {
	if job.GetState() == anthillv1.JobState_JOB_STATE_SUCCEEDED {
		return nil
	}
	reason := job.GetReason()
	if reason == "" {
		reason = "no reason given"
	}
	return fmt.Errorf("job %s: %s: %s", job.GetId(), stateName(job.GetState()), reason)
}

// explainDetach tells a user who interrupted a command how to come back.
func explainDetach(ctx context.Context, cmd *cobra.Command, id string) {
	if ctx.Err() != nil {
		fmt.Fprintf(cmd.ErrOrStderr(), "detached from %s; come back with:\n  anthill status %s --watch\n  anthill results %s -o DIR\n", id, id, id)
	}
}
