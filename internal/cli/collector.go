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
	// inputs are asked for when the job is finished, since a coordinator may not have
	// them when it begins; of a retry before, since they number its results.
	inputs *sdk.TaskInputs

	mu            sync.Mutex
	newest        map[int]uint64      // sequence of a task's latest result, by its index in the job
	rows          map[int]manifestRow // by the index in the job
	written, kept int
}

// collect follows a job to its end while it writes the results.
func collect(ctx context.Context, grid *sdk.Grid, id string, c *collector, stderr io.Writer) (*anthillv1.Job, error) {
	// Asked first, so that a wrong id makes no directory.
	job, err := grid.Job(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := c.open(ctx, grid, job); err != nil {
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

// open makes the directory.
func (c *collector) open(ctx context.Context, grid *sdk.Grid, job *anthillv1.Job) (err error) {
	if c.inputs == nil && job.GetSpec().GetRetryOf() != "" {
		if c.inputs, err = grid.TaskInputs(ctx, job); err != nil {
			return err
		}
	}
	whole, tasks := job.GetId(), int(job.GetTasks().GetTotal())
	if c.inputs != nil {
		whole, tasks = c.inputs.Job, c.inputs.Tasks
	}
	c.into, err = openResultsDir(c.dir, whole, tasks)
	return err
}

// number is by what a task's result is named: the task's index in the whole input.
func (c *collector) number(i int) int {
	if c.inputs == nil {
		return i
	}
	return c.inputs.At(i).Task
}

// conclude says what was written and what was not.
func (c *collector) conclude(ctx context.Context, grid *sdk.Grid, job *anthillv1.Job, stderr io.Writer) error {
	id := job.GetId()
	if err := c.into.mark(); err != nil {
		return err
	}
	fmt.Fprintf(stderr, "%s: wrote %d results to %s, %d were there already\n", id, c.written, c.dir, c.kept)
	var err error
	if c.inputs == nil {
		if c.inputs, err = grid.TaskInputs(ctx, job); err != nil {
			return err
		}
	}
	for f, err := range grid.Failures(ctx, id) {
		if err != nil {
			return err
		}
		c.noteFailure(f)
	}
	all, lacking := c.reckon(id, int(job.GetTasks().GetTotal()))
	if err := all.write(c.dir); err != nil {
		return err
	}
	if job.GetState() == anthillv1.JobState_JOB_STATE_SUCCEEDED && len(lacking.missing) > 0 {
		return fmt.Errorf("results of job %s: got %d of %d", id, len(c.newest), job.GetTasks().GetTotal())
	}
	lacking.tell(stderr, id, c.dir)
	return nil
}

func (c *collector) noteFailure(f *sdk.TaskFailure) {
	row := manifestRow{state: stateFailed}
	if !f.GivenUp {
		row.exitCode = strconv.FormatUint(uint64(f.ExitCode), 10)
	}
	c.rows[f.Task] = row
}

// reckon says what became of all of a finished job's tasks, and which have no result.
func (c *collector) reckon(id string, total int) (manifest, lacking) {
	all, l := manifest{}, lacking{}
	for i := range total {
		in := c.inputs.At(i)
		row, known := c.rows[i]
		switch {
		case !known:
			row.state = stateMissing
			l.missing = append(l.missing, in)
		case row.state == stateFailed:
			l.failed = append(l.failed, failedTask{in, row.exitCode})
		}
		row.input, row.job = in.Text, id
		all[in.Task] = row
	}
	return all, l
}

func (c *collector) run(ctx context.Context, grid *sdk.Grid, id string) error {
	c.newest, c.rows = map[int]uint64{}, map[int]manifestRow{}
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
	row := manifestRow{state: stateDone, bytes: result.Size}
	path, err := c.into.file(c.number(result.Task))
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
		c.rows[result.Task] = row
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
		err = c.place(temp, path, row, result)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// place makes a written result the task's, unless a later one has come while
// it was being written.
func (c *collector) place(temp, path string, row manifestRow, result *sdk.Result) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.newest[result.Task] != result.Sequence {
		return os.Remove(temp)
	}
	if err := os.Rename(temp, path); err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	c.written++
	c.rows[result.Task] = row
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
