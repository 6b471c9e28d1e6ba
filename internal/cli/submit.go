package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/sdk"
)

func newSubmitCommand() *cobra.Command {
	var s submission
	cmd := &cobra.Command{
		Use:   "submit JOB.yaml | submit [JOB.yaml] --only-missing JOB",
		Short: "Submit a job",
		Long: `Submit a job and print its id on stdout.

Returns once the grid has its own copies of the input. With --wait or -o, stays
until the job is finished; the exit code is 1 if it failed, and 5 if it ended
with all results but short of the max_error that was asked for. An interrupt
detaches from the job, which continues.

With --only-missing JOB, runs the tasks of an earlier job that have no result: they
failed, or it ended before. The input must be that of the earlier job; all else is as
the job file says or, without one, as it was. The results carry the numbers of the
earlier job's tasks, and can go into the same directory.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if s.missingOf != "" {
				return cobra.MaximumNArgs(1)(cmd, args)
			}
			return cobra.ExactArgs(1)(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			s.file = strings.Join(args, "")
			return s.run(cmd)
		},
	}
	cmd.Flags().BoolVarP(&s.wait, "wait", "w", false, "stay until the job is finished")
	cmd.Flags().StringVarP(&s.dir, "output", "o", "", "write the results into this `directory` when the job is finished; implies --wait")
	cmd.Flags().BoolVar(&s.outside, "allow-outside", false, "let the job file name files outside of its directory, also by links: they are sent to the grid's machines")
	cmd.Flags().StringVar(&s.missingOf, "only-missing", "", "run only the tasks of this earlier `job` that have no result")
	return cmd
}

// submission is one submit.
type submission struct {
	file      string // "": as the earlier job
	missingOf string // an earlier job, or ""
	wait      bool
	dir       string // for the results, or ""
	outside   bool   // the job file may name files anywhere
}

func (s *submission) run(cmd *cobra.Command) error {
	job, grid, err := s.submit(cmd)
	if errors.Is(err, sdk.ErrNothingMissing) {
		fmt.Fprintf(cmd.ErrOrStderr(), "%v: there is nothing to run\n", err)
		return nil
	}
	if err != nil {
		return err
	}
	defer grid.Close()
	defer job.Close()
	fmt.Fprintln(cmd.OutOrStdout(), job.ID())
	fmt.Fprintf(cmd.ErrOrStderr(), "submitted %s: %d tasks, %s\n", job.ID(), job.Tasks(), sdk.Size(job.Size()))
	if s.wait || s.dir != "" {
		return s.stay(cmd, grid, job)
	}
	return upload(cmd, grid, job)
}

// submit finds what is wrong with the job before it looks for a grid, as far as it can.
func (s *submission) submit(cmd *cobra.Command) (*sdk.Job, *sdk.Grid, error) {
	if s.missingOf != "" {
		return s.retry(cmd)
	}
	if s.dir != "" {
		if err := checkEmptyOfResults(s.dir, ""); err != nil {
			return nil, nil, err
		}
	}
	file, err := sdk.LoadJobFile(s.file)
	if err != nil {
		return nil, nil, err
	}
	file.AllowOutside = s.outside
	prepared, err := sdk.Prepare(cmd.Context(), file)
	if err != nil {
		return nil, nil, err
	}
	writeNotices(cmd.ErrOrStderr(), prepared)
	grid, err := connect(cmd, followPatience)
	if err != nil {
		return nil, nil, errors.Join(err, prepared.Close())
	}
	return handIn(cmd, grid, prepared)
}

// retry submits what an earlier job lacks.
func (s *submission) retry(cmd *cobra.Command) (*sdk.Job, *sdk.Grid, error) {
	var file *sdk.JobFile
	if s.file != "" {
		var err error
		if file, err = sdk.LoadJobFile(s.file); err != nil {
			return nil, nil, err
		}
		file.AllowOutside = s.outside
	}
	grid, err := connect(cmd, followPatience)
	if err != nil {
		return nil, nil, err
	}
	prepared, err := grid.PrepareRetry(cmd.Context(), s.missingOf, file)
	if err != nil {
		return nil, nil, errors.Join(err, grid.Close())
	}
	writeNotices(cmd.ErrOrStderr(), prepared)
	if s.dir != "" {
		err = checkEmptyOfResults(s.dir, prepared.RetryOf())
	}
	if err != nil {
		return nil, nil, errors.Join(err, prepared.Close(), grid.Close())
	}
	return handIn(cmd, grid, prepared)
}

// handIn submits what was prepared.
func handIn(cmd *cobra.Command, grid *sdk.Grid, prepared *sdk.Prepared) (*sdk.Job, *sdk.Grid, error) {
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

// stay follows the job to its end.
func (s *submission) stay(cmd *cobra.Command, grid *sdk.Grid, job *sdk.Job) error {
	var last *anthillv1.Job
	var err error
	if s.dir != "" {
		last, err = collect(cmd.Context(), grid, job.ID(), &collector{dir: s.dir, inputs: job.TaskInputs()}, cmd.ErrOrStderr())
	} else {
		last, err = follow(cmd.Context(), grid, job.ID(), cmd.ErrOrStderr())
	}
	if err != nil {
		explainDetach(cmd.Context(), cmd, job.ID())
		warnOfMissingInput(cmd, grid, job.ID())
		return err
	}
	return ending{job: last, inputs: job.TaskInputs(), file: s.file}.err()
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
