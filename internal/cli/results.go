package cli

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

func newResultsCommand() *cobra.Command {
	var dir string
	var provisional bool
	cmd := &cobra.Command{
		Use:   "results JOB -o DIR",
		Short: "Write a job's results into a directory",
		Long: `Write a job's results into a directory, as task-000000.out and so on.

Follows a running job until it is finished and writes its results then, since the
grid may find out until then that one of them is wrong. With --provisional, writes
them as they come, and rewrites those that change. If it is run again, it keeps the
files that are already right. A directory takes the results of one job, and of those
that run what it lacks (submit --only-missing): those of another are refused.

DIR/.manifest.tsv has a line for each task: what it read, whether it is done, failed or
missing, bytes and SHA-256 of its result, the exit code with which it failed.

The exit code is 0 also if tasks failed, as many as allow_failed permits; 1 if the job
failed; 5 if all results are there, but short of the max_error that was asked for.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			grid, err := connect(cmd, followPatience)
			if err != nil {
				return err
			}
			defer grid.Close()
			c := &collector{dir: dir, provisional: provisional}
			job, err := collect(cmd.Context(), grid, args[0], c, cmd.ErrOrStderr())
			if err != nil {
				explainDetach(cmd.Context(), cmd, args[0])
				return err
			}
			return ending{job: job, inputs: c.inputs}.err()
		},
	}
	cmd.Flags().StringVarP(&dir, "output", "o", "", "the `directory` to write into, created if it is missing (required)")
	cmd.Flags().BoolVar(&provisional, "provisional", false, "write results before the job is finished, though they may change")
	if err := cmd.MarkFlagRequired("output"); err != nil {
		panic("cli: the flag that was just made: " + err.Error())
	}
	return cmd
}

// writeTemp writes a file beside path that is to take its place, so that half a
// result is never seen there.
func writeTemp(path string, write func(io.Writer) error) (string, error) {
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return "", err
	}
	err = errors.Join(write(temp), temp.Close())
	if err == nil {
		err = os.Chmod(temp.Name(), 0o644)
	}
	if err != nil {
		return "", errors.Join(err, os.Remove(temp.Name()))
	}
	return temp.Name(), nil
}
