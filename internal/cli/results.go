package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/sdk"
)

// writers is how many results are fetched and written at once.
const writers = 4

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
files that are already right. A directory takes the results of one job: those of
another are refused.

The exit code is 1 if the job failed, and 5 if all results are there, but short
of the max_error that was asked for.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			grid, err := connect(cmd, followPatience)
			if err != nil {
				return err
			}
			defer grid.Close()
			job, err := collect(cmd.Context(), grid, args[0], &collector{dir: dir, provisional: provisional}, cmd.ErrOrStderr())
			if err != nil {
				explainDetach(cmd.Context(), cmd, args[0])
				return err
			}
			return outcome(job)
		},
	}
	cmd.Flags().StringVarP(&dir, "output", "o", "", "the `directory` to write into, created if it is missing (required)")
	cmd.Flags().BoolVar(&provisional, "provisional", false, "write results before the job is finished, though they may change")
	if err := cmd.MarkFlagRequired("output"); err != nil {
		panic("cli: the flag that was just made: " + err.Error())
	}
	return cmd
}

// collect follows a job to its end while it writes the results.
func collect(ctx context.Context, grid *sdk.Grid, id string, c *collector, stderr io.Writer) (*anthillv1.Job, error) {
	// Asked first, so that a wrong id makes no directory.
	job, err := grid.Job(ctx, id)
	if err != nil {
		return nil, err
	}
	if c.into, err = openResultsDir(c.dir, id, int(job.GetTasks().GetTotal())); err != nil {
		return nil, err
	}
	if !c.provisional && !sdk.Finished(job) {
		fmt.Fprintf(stderr, "%s: results are provisional until the job is finished; to have them now: anthill results %s -o DIR --provisional\n", id, id)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return c.run(ctx, grid, id) })
	group.Go(func() (err error) {
		job, err = follow(ctx, grid, id, stderr)
		return err
	})
	if err := group.Wait(); err != nil {
		return nil, err
	}
	if err := c.into.mark(); err != nil {
		return nil, err
	}
	fmt.Fprintf(stderr, "%s: wrote %d results to %s, %d were there already\n", id, c.written, c.dir, c.kept)
	got, want := len(c.newest), int(job.GetTasks().GetTotal())
	if job.GetState() == anthillv1.JobState_JOB_STATE_SUCCEEDED && got != want {
		return nil, fmt.Errorf("results of job %s: got %d of %d", id, got, want)
	}
	return job, nil
}

// collector writes results into a directory.
type collector struct {
	dir         string
	provisional bool
	into        *resultsDir

	mu            sync.Mutex
	newest        map[int]uint64 // sequence of a task's latest result
	written, kept int
}

func (c *collector) run(ctx context.Context, grid *sdk.Grid, id string) error {
	c.newest = map[int]uint64{}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(writers)
	results := grid.Results
	if c.provisional {
		results = grid.ProvisionalResults
	}
	for result, err := range results(ctx, id) {
		if err != nil {
			// If a writer failed, that is why the stream ended.
			if failure := group.Wait(); failure != nil {
				return failure
			}
			return err
		}
		c.mu.Lock()
		c.newest[result.Task] = result.Sequence
		c.mu.Unlock()
		group.Go(func() error { return c.save(ctx, result) })
	}
	return group.Wait()
}

func (c *collector) save(ctx context.Context, result *sdk.Result) error {
	path, err := c.into.file(result.Task)
	if err != nil {
		return err
	}
	there, err := holds(path, result)
	if err != nil {
		return err
	}
	if there {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.kept++
		return nil
	}
	if err := c.into.replace(path); err != nil {
		return err
	}
	temp, err := writeTemp(path, func(w io.Writer) error { return result.Copy(ctx, w) })
	if err == nil {
		err = c.place(temp, path, result)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// place makes a written result the task's, unless a later one has come while
// it was being written.
func (c *collector) place(temp, path string, result *sdk.Result) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.newest[result.Task] != result.Sequence {
		return os.Remove(temp)
	}
	if err := os.Rename(temp, path); err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	c.written++
	return nil
}

// holds tells whether a file has the bytes of a result.
func holds(path string, result *sdk.Result) (bool, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read earlier result: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return false, fmt.Errorf("read earlier result: %w", err)
	}
	return result.Matches(file, info.Size())
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
