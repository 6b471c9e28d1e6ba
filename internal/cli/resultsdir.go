package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/anthill-grid/anthill/internal/problem"
)

// resultsMark is the file by which a directory of results knows its job, or which job its
// jobs are retries of.
const resultsMark = ".anthill-results"

const otherDirectory = "choose another directory, or remove this one first"

// resultsDir is a directory with the results of one job, and of no other.
type resultsDir struct {
	path, job string
	// marked: it says that it is the job's. Results that are there already in one
	// that does not must turn out to be the job's, each of them.
	marked bool
	ours   sync.Map // paths that were written since it was opened
}

// resultsDirMark is what resultsMark holds, as JSON.
type resultsDirMark struct {
	Job string `json:"job"`
}

// openResultsDir makes the directory of a job of so many tasks, or goes on with it. One
// with another job's results is refused.
func openResultsDir(path, job string, tasks int) (*resultsDir, error) {
	d := &resultsDir{path: path, job: job}
	owner, err := ownerOfResults(path)
	if err != nil {
		return nil, err
	}
	if owner != "" && owner != job {
		return nil, problem.Invalid(otherDirectory, "results of job %s: %s has results of another job, %s", job, path, owner)
	}
	last, err := lastResultIn(path)
	if err != nil {
		return nil, err
	}
	if last >= tasks {
		return nil, problem.Invalid(otherDirectory, "results of job %s: %s is left from another job: this one has %d tasks", job, filepath.Join(path, resultName(last)), tasks)
	}
	if err := os.MkdirAll(path, 0o777); err != nil {
		return nil, fmt.Errorf("results of job %s: %w", job, err)
	}
	d.marked = owner != ""
	if last < 0 {
		return d, d.mark()
	}
	return d, nil
}

// checkEmptyOfResults refuses, before a job is submitted, a directory that cannot
// become the job's. One with results of the job that it is a retry of can.
func checkEmptyOfResults(path, retryOf string) error {
	owner, err := ownerOfResults(path)
	if err != nil || owner != "" && owner == retryOf {
		return err
	}
	if owner != "" {
		return problem.Invalid(otherDirectory, "-o %s: it has results of another job, %s", path, owner)
	}
	last, err := lastResultIn(path)
	if err == nil && last >= 0 {
		err = problem.Invalid(otherDirectory, "-o %s: %s is left from another job", path, resultName(last))
	}
	return err
}

// ownerOfResults is the job whose results a directory says that it has, or "".
func ownerOfResults(path string) (job string, err error) {
	if path == "-" {
		return "", problem.Invalid("name a directory; to put the results together: cat DIR/*.out", "-o -: results are many files")
	}
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		return "", problem.Invalid("name a directory", "-o %s: it is no directory, and results are many files", path)
	}
	text, err := os.ReadFile(filepath.Join(path, resultsMark))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read whose results these are: %w", err)
	}
	var mark resultsDirMark
	if err := json.Unmarshal(text, &mark); err != nil || mark.Job == "" {
		return "", problem.Invalid(otherDirectory, "%s does not say whose results these are", filepath.Join(path, resultsMark))
	}
	return mark.Job, nil
}

// lastResultIn is the highest task with a result in a directory, or -1.
func lastResultIn(path string) (int, error) {
	entries, err := os.ReadDir(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return -1, problem.Invalid("choose another directory", "-o %s: %w", path, err)
	}
	last := -1
	for _, entry := range entries {
		digits, ok := strings.CutPrefix(strings.TrimSuffix(entry.Name(), ".out"), "task-")
		if task, err := strconv.Atoi(digits); ok && err == nil && entry.Name() == resultName(task) {
			last = max(last, task)
		}
	}
	return last, nil
}

func resultName(task int) string { return fmt.Sprintf("task-%06d.out", task) }

// file is where a task's result goes. Only a file may be there, or a link: what
// blocks, such as a FIFO, must not hold up the others.
func (d *resultsDir) file(task int) (path string, err error) {
	path = filepath.Join(d.path, resultName(task))
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return "", problem.Invalid("move it away", "%s is in the way: it is not a file", path)
	}
	return path, nil
}

// replace says whether the file of a task may be replaced by a result, which is then
// written.
func (d *resultsDir) replace(path string) error {
	_, err := os.Lstat(path)
	if _, ours := d.ours.LoadOrStore(path, true); d.marked || ours || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return problem.Invalid(otherDirectory, "%s is not a result of job %s", path, d.job)
}

// mark makes the directory the job's: from now on its results may change.
func (d *resultsDir) mark() error {
	if d.marked {
		return nil
	}
	text, err := json.Marshal(resultsDirMark{d.job})
	if err != nil {
		return err
	}
	d.marked = true
	if err := os.WriteFile(filepath.Join(d.path, resultsMark), append(text, '\n'), 0o666); err != nil {
		return fmt.Errorf("results of job %s: %w", d.job, err)
	}
	return nil
}
