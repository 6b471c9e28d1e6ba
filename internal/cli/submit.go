package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/sdk"
)

func newSubmitCommand() *cobra.Command {
	var wait bool
	var dir string
	cmd := &cobra.Command{
		Use:   "submit JOB.yaml",
		Short: "Submit a job",
		Long: `Submit a job and print its id on stdout.

Returns once the grid has its own copies of the input. With --wait or -o, stays
until the job is finished; the exit code is 1 if it failed, and 5 if it ended
with all results but short of the max_error that was asked for. An interrupt
detaches from the job, which continues.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if dir != "" {
				if err := checkEmptyOfResults(dir); err != nil {
					return err
				}
			}
			job, grid, err := submit(cmd, args[0])
			if err != nil {
				return err
			}
			defer grid.Close()
			defer job.Close()
			fmt.Fprintln(cmd.OutOrStdout(), job.ID())
			fmt.Fprintf(cmd.ErrOrStderr(), "submitted %s: %d tasks, %s\n", job.ID(), job.Tasks(), sdk.Size(job.Size()))
			if wait || dir != "" {
				return stay(cmd, grid, job, dir)
			}
			return upload(cmd, grid, job)
		},
	}
	cmd.Flags().BoolVarP(&wait, "wait", "w", false, "stay until the job is finished")
	cmd.Flags().StringVarP(&dir, "output", "o", "", "write the results into this `directory` when the job is finished; implies --wait")
	return cmd
}

// submit finds what is wrong with the job before it looks for a grid.
func submit(cmd *cobra.Command, path string) (*sdk.Job, *sdk.Grid, error) {
	file, err := sdk.LoadJobFile(path)
	if err != nil {
		return nil, nil, err
	}
	prepared, err := sdk.Prepare(cmd.Context(), file)
	if err != nil {
		return nil, nil, err
	}
	writeNotices(cmd.ErrOrStderr(), prepared)
	grid, err := connect(cmd, followPatience)
	if err != nil {
		return nil, nil, errors.Join(err, prepared.Close())
	}
	job, err := grid.SubmitPrepared(cmd.Context(), prepared)
	if err != nil {
		return nil, nil, errors.Join(err, prepared.Close(), grid.Close())
	}
	return job, grid, nil
}

// writeNotices says which files did not become input.
func writeNotices(w io.Writer, prepared *sdk.Prepared) {
	leftOut := 0
	for _, n := range prepared.Notices() {
		fmt.Fprintln(w, n)
		if n.LeftOut {
			leftOut++
		}
	}
	if leftOut > 0 {
		fmt.Fprintf(w, "left out: %d; tasks of the rest: %d\n", leftOut, prepared.Tasks())
	}
}

// upload stays as long as the grid needs the input from here.
func upload(cmd *cobra.Command, grid *sdk.Grid, job *sdk.Job) error {
	stderr := cmd.ErrOrStderr()
	fmt.Fprintln(stderr, "the grid is copying the input; stay connected")
	if err := job.WaitUploaded(cmd.Context()); err != nil {
		warnOfMissingInput(cmd, grid, job.ID())
		return err
	}
	fmt.Fprintf(stderr, "the grid has the input: you can disconnect now\nfollow it:       anthill status %s --watch\nget its results: anthill results %s -o DIR\n",
		job.ID(), job.ID())
	return nil
}

// stay follows the job to its end.
func stay(cmd *cobra.Command, grid *sdk.Grid, job *sdk.Job, dir string) error {
	var last *anthillv1.Job
	var err error
	if dir != "" {
		last, err = collect(cmd.Context(), grid, job.ID(), &collector{dir: dir}, cmd.ErrOrStderr())
	} else {
		last, err = follow(cmd.Context(), grid, job.ID(), cmd.ErrOrStderr())
	}
	if err != nil {
		explainDetach(cmd.Context(), cmd, job.ID())
		warnOfMissingInput(cmd, grid, job.ID())
		return err
	}
	return outcome(last)
}

// warnOfMissingInput tells a user who leaves whether the job can go on.
func warnOfMissingInput(cmd *cobra.Command, grid *sdk.Grid, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(cmd.Context()), askPatience)
	defer cancel()
	job, err := grid.Job(ctx, id)
	if err == nil && !sdk.Uploaded(job) {
		fmt.Fprintf(cmd.ErrOrStderr(), "warning: the grid has %d of the %d copies of the input that it needs%s, and the job may never finish; cancel it with: anthill cancel %s\n",
			job.GetInputCopies(), job.GetInputCopiesNeeded(), lackingOwners(job.GetInputOwners(), job.GetInputOwnersNeeded()), id)
	}
}
