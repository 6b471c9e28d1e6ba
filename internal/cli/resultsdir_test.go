package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/anthill-grid/anthill/internal/lab/fakegrid"
	"github.com/anthill-grid/anthill/jobs"
)

// finishedWith adds a job whose tasks have these results.
func finishedWith(t *testing.T, fake *fakegrid.Grid, id string, results ...string) {
	t.Helper()
	fake.AddJob(id, uint32(len(results)))
	for i, r := range results {
		fake.Accept(t, id, uint32(i), []byte(r))
	}
	fake.Finish(id, succeeded, "")
}

func TestADirectoryHasTheResultsOfOneJob(t *testing.T) {
	fake := start(t, jobs.Submitter)
	finishedWith(t, fake, "old", "o0", "o1", "o2")
	finishedWith(t, fake, "new", "n0", "n1")
	old := map[string]string{"task-000000.out": "o0", "task-000001.out": "o1", "task-000002.out": "o2"}
	dir := filepath.Join(t.TempDir(), "out")
	expect(t, 0, "results", "old", "-o", dir)

	_, stderr := expect(t, 2, "results", "new", "-o", dir)
	expectMatch(t, stderr, `results of job new: .*out has results of another job, old\nchoose another directory`)
	expectFiles(t, dir, old)
	_, stderr = expect(t, 2, "submit", jobFile(t), "-o", dir)
	expectMatch(t, stderr, `it has results of another job, old`)
	expect(t, 0, "results", "old", "-o", dir)
	expectFiles(t, dir, old)
}

// Directories that were written before they were marked are gone on with, if all
// that is there turns out to be the job's.
func TestAnUnmarkedDirectoryIsTakenOverIfItFits(t *testing.T) {
	fake := start(t, jobs.Submitter)
	finishedWith(t, fake, "j", "r0", "r1")
	for name, test := range map[string]struct {
		there map[string]string
		code  int
		says  string
	}{
		"its own":            {map[string]string{"task-000001.out": "r1"}, 0, `wrote 1 results to .*, 1 were there already`},
		"another's result":   {map[string]string{"task-000001.out": "x1"}, 2, `task-000001.out is not a result of job j`},
		"more than there is": {map[string]string{"task-000000.out": "r0", "task-000002.out": "x2"}, 2, `task-000002.out is left from another job: this one has 2 tasks`},
	} {
		dir := t.TempDir()
		for file, text := range test.there {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		_, stderr := expect(t, test.code, "results", "j", "-o", dir)
		expectMatch(t, stderr, test.says)
		for file, text := range test.there {
			if got, err := os.ReadFile(filepath.Join(dir, file)); err != nil || string(got) != text {
				t.Errorf("%s: %s now holds %q, %v", name, file, got, err)
			}
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "task-000000.out"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, stderr := expect(t, 2, "submit", jobFile(t), "-o", dir)
	expectMatch(t, stderr, `task-000000.out is left from another job`)
}

func TestAMarkThatSaysNothingIsNotOverwritten(t *testing.T) {
	fake := start(t, jobs.Submitter)
	finishedWith(t, fake, "j", "r0")
	dir := t.TempDir()
	mark := filepath.Join(dir, resultsMark)
	if err := os.WriteFile(mark, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, stderr := expect(t, 2, "results", "j", "-o", dir)
	expectMatch(t, stderr, `\.anthill-results does not say whose results these are`)
}
