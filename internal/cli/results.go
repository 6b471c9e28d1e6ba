package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/sdk"
)

// writers is how many results are fetched and written at once.
const writers = 4

func newResultsCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "results JOB -o DIR",
		Short: "Write a job's results into a directory",
		Long: `Write a job's results into a directory, as task-000000.out and so on.

Follows a running job until it is finished. Run again, it leaves alone what is
there and right. The exit code is 1 if the job failed.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			grid, err := connect(cmd, followPatience)
			if err != nil {
				return err
			}
			defer grid.Close()
			job, err := collect(cmd.Context(), grid, args[0], dir, cmd.ErrOrStderr())
			if err != nil {
				explainDetach(cmd.Context(), cmd, args[0])
				return err
			}
			return outcome(job)
		},
	}
	cmd.Flags().StringVarP(&dir, "output", "o", "", "the `directory` to write into; it is made if need be (required)")
	if err := cmd.MarkFlagRequired("output"); err != nil {
		panic("cli: the flag that was just made: " + err.Error())
	}
	return cmd
}

// collect follows a job to its end while it writes the results.
func collect(ctx context.Context, grid *sdk.Grid, id, dir string, stderr io.Writer) (*anthillv1.Job, error) {
	// Asked first, so that a wrong id makes no directory.
	if _, err := grid.Job(ctx, id); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("results of job %s: %w", id, err)
	}
	c := collector{dir: dir}
	var job *anthillv1.Job
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return c.run(ctx, grid, id) })
	group.Go(func() (err error) {
		job, err = follow(ctx, grid, id, stderr)
		return err
	})
	if err := group.Wait(); err != nil {
		return nil, err
	}
	fmt.Fprintf(stderr, "%s: wrote %d results to %s, %d were there\n", id, c.written.Load(), dir, c.kept.Load())
	if got, want := c.written.Load()+c.kept.Load(), int64(job.GetTasks().GetTotal()); outcome(job) == nil && got != want {
		return nil, fmt.Errorf("results of job %s: got %d of %d", id, got, want)
	}
	return job, nil
}

// collector writes results into a directory.
type collector struct {
	dir           string
	written, kept atomic.Int64
}

func (c *collector) run(ctx context.Context, grid *sdk.Grid, id string) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(writers)
	for result, err := range grid.Results(ctx, id) {
		if err != nil {
			// If a writer failed, that is why the stream ended.
			if failure := group.Wait(); failure != nil {
				return failure
			}
			return err
		}
		group.Go(func() error { return c.save(ctx, result) })
	}
	return group.Wait()
}

func (c *collector) save(ctx context.Context, result *sdk.Result) error {
	path := filepath.Join(c.dir, fmt.Sprintf("task-%06d.out", result.Task))
	there, err := holds(path, result)
	if err != nil {
		return err
	}
	if there {
		c.kept.Add(1)
		return nil
	}
	if err := writeAtomically(path, func(w io.Writer) error { return result.Copy(ctx, w) }); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	c.written.Add(1)
	return nil
}

// holds tells whether a file has the bytes of a result.
func holds(path string, result *sdk.Result) (bool, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look at earlier result: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return false, fmt.Errorf("look at earlier result: %w", err)
	}
	return result.Matches(file, info.Size())
}

// writeAtomically makes a file that is whole or not there.
func writeAtomically(path string, write func(io.Writer) error) error {
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	err = errors.Join(write(temp), temp.Close())
	if err == nil {
		err = os.Chmod(temp.Name(), 0o644)
	}
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	return nil
}
