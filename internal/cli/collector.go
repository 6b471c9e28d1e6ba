package cli

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"sync"

	"golang.org/x/sync/errgroup"

	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/sdk"
)

// writers is how many results are fetched and written at once.
const writers = 4

// collector writes results into a directory.
type collector struct {
	dir         string
	provisional bool
	into        *resultsDir
	inputs      *sdk.TaskInputs

	mu            sync.Mutex
	newest        map[int]uint64 // sequence of a task's latest result, by its index in the job
	rows          manifest
	written, kept int
}

// collect follows a job to its end while it writes the results.
func collect(ctx context.Context, grid *sdk.Grid, id string, c *collector, stderr io.Writer) (*anthillv1.Job, error) {
	// Asked first, so that a wrong id makes no directory.
	job, err := grid.Job(ctx, id)
	if err != nil {
		return nil, err
	}
	if c.inputs, err = grid.TaskInputs(ctx, job); err != nil {
		return nil, err
	}
	if c.into, err = openResultsDir(c.dir, c.inputs.Job, c.inputs.Tasks); err != nil {
		return nil, err
	}
	if !c.provisional && !sdk.Finished(job) {
		fmt.Fprintf(stderr, "%s: results are provisional until the job is finished; to have them now: anthill results %s -o DIR --provisional\n", id, id)
	}
	group, following := errgroup.WithContext(ctx)
	group.Go(func() error { return c.run(following, grid, id) })
	group.Go(func() (err error) {
		job, err = follow(following, grid, id, stderr)
		return err
	})
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return job, c.conclude(ctx, grid, job, stderr)
}

// conclude says what was written and what was not.
func (c *collector) conclude(ctx context.Context, grid *sdk.Grid, job *anthillv1.Job, stderr io.Writer) error {
	id := job.GetId()
	if err := c.into.mark(); err != nil {
		return err
	}
	fmt.Fprintf(stderr, "%s: wrote %d results to %s, %d were there already\n", id, c.written, c.dir, c.kept)
	for f, err := range grid.Failures(ctx, id) {
		if err != nil {
			return err
		}
		c.noteFailure(id, f)
	}
	lacking := c.noteMissing(id, int(job.GetTasks().GetTotal()))
	if err := c.rows.write(c.dir); err != nil {
		return err
	}
	if job.GetState() == anthillv1.JobState_JOB_STATE_SUCCEEDED && len(lacking.missing) > 0 {
		return fmt.Errorf("results of job %s: got %d of %d", id, len(c.newest), job.GetTasks().GetTotal())
	}
	lacking.tell(stderr, id, c.dir)
	return nil
}

func (c *collector) noteFailure(id string, f *sdk.TaskFailure) {
	in := c.inputs.At(f.Task)
	row := manifestRow{input: in.Text, state: stateFailed, job: id}
	if !f.GivenUp {
		row.exitCode = strconv.FormatUint(uint64(f.ExitCode), 10)
	}
	c.rows[in.Task] = row
}

// noteMissing notes which of a finished job's tasks have no result, and gives them and
// those that failed.
func (c *collector) noteMissing(id string, total int) (l lacking) {
	for i := range total {
		in := c.inputs.At(i)
		row, known := c.rows[in.Task]
		switch {
		case !known:
			c.rows[in.Task] = manifestRow{input: in.Text, state: stateMissing, job: id}
			l.missing = append(l.missing, in)
		case row.state == stateFailed:
			l.failed = append(l.failed, failedTask{in, row.exitCode})
		}
	}
	return l
}

func (c *collector) run(ctx context.Context, grid *sdk.Grid, id string) error {
	c.newest, c.rows = map[int]uint64{}, manifest{}
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
		group.Go(func() error { return c.save(ctx, id, result) })
	}
	return group.Wait()
}

func (c *collector) save(ctx context.Context, id string, result *sdk.Result) error {
	in := c.inputs.At(result.Task)
	row := manifestRow{input: in.Text, state: stateDone, bytes: result.Size, job: id}
	path, err := c.into.file(in.Task)
	if err != nil {
		return err
	}
	there, err := holds(path, result, &row)
	if err != nil {
		return err
	}
	if there {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.kept++
		c.rows[in.Task] = row
		return nil
	}
	if err := c.into.replace(path); err != nil {
		return err
	}
	temp, err := writeTemp(path, func(w io.Writer) error {
		digest := sha256.New()
		err := result.Copy(ctx, io.MultiWriter(w, digest))
		row.sha256 = [32]byte(digest.Sum(nil))
		return err
	})
	if err == nil {
		err = c.place(temp, path, in.Task, row, result)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// place makes a written result the task's, unless a later one has come while
// it was being written.
func (c *collector) place(temp, path string, task int, row manifestRow, result *sdk.Result) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.newest[result.Task] != result.Sequence {
		return os.Remove(temp)
	}
	if err := os.Rename(temp, path); err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	c.written++
	c.rows[task] = row
	return nil
}

// holds tells whether a file has the bytes of a result, and notes their digest.
func holds(path string, result *sdk.Result, row *manifestRow) (bool, error) {
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
	digest := sha256.New()
	same, err := result.Matches(io.TeeReader(file, digest), info.Size())
	row.sha256 = [32]byte(digest.Sum(nil))
	return same, err
}
