package cli

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/anthill-grid/anthill/internal/lab/fakegrid"
	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/worker/executor"
)

// halfdone adds a finished job of ten tasks of ten numbers each: tasks 0 and 1 have
// results, 3 and 7 have failed.
func halfdone(t *testing.T, fake *fakegrid.Grid, state anthillv1.JobState) {
	t.Helper()
	fake.AddJob("sweep", 10)
	fake.Update("sweep", func(j *anthillv1.Job) {
		j.Spec.Input = &anthillv1.Input{Source: &anthillv1.Input_Range{Range: &anthillv1.RangeInput{To: 100, Step: 10}}}
	})
	fake.Accept(t, "sweep", 0, []byte("zero"))
	fake.Accept(t, "sweep", 1, []byte("one"))
	fake.FailTask("sweep", 3, &anthillv1.TaskFailure{ExitCode: 1, Reason: "the task exited with code 1:\nTraceback (most recent call last):\n  line 3\nKeyError: 'beta'"})
	fake.FailTask("sweep", 7, &anthillv1.TaskFailure{GivenUp: true})
	fake.Finish("sweep", state, "2 of 10 tasks have failed, and allow_failed is 1; the last is task 3: the task exited with code 1:\nTraceback (most recent call last):\n  line 3\nKeyError: 'beta'")
}

func readText(t *testing.T, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func row(task int, state, data, exitCode, job string) string {
	size, digest := "", ""
	if state == stateDone {
		size, digest = fmt.Sprint(len(data)), fmt.Sprintf("%x", sha256.Sum256([]byte(data)))
	}
	return fmt.Sprintf("%d\trange %d..%d\t%s\t%s\t%s\t%s\t%s\n", task, 10*task, 10*task+10, state, size, digest, exitCode, job)
}

// The results of a job that failed say which tasks failed, which never ran, of which
// input they are and what to do about it.
func TestResultsOfAFailedJobNameWhatLacks(t *testing.T) {
	fake := start(t, jobs.Submitter)
	halfdone(t, fake, failed)
	dir := filepath.Join(t.TempDir(), "out")
	for range 2 {
		_, stderr := expect(t, 1, "results", "sweep", "-o", dir)
		for _, want := range []string{
			"sweep: 2 tasks failed: 3 (range 30..40): exit code 1, 7 (range 70..80): given up\n",
			"sweep: 6 tasks never finished: 2 (range 20..30), 4 (range 40..50), 5 (range 50..60), 6 (range 60..70), 8 (range 80..90), ...\n",
			"sweep: all of them are in " + dir + "/.manifest.tsv; run them again: anthill submit JOB.yaml --only-missing sweep\n",
			"anthill: job sweep: failed: 2 of 10 tasks have failed, and allow_failed is 1; the last is task 3 (range 30..40): the task exited with code 1:\n" +
				"    Traceback (most recent call last):\n      line 3\n    KeyError: 'beta'\n" +
				"reproduce it here:       anthill task test --job JOB.yaml --task 3 --as sweep\n" +
				"let some tasks fail:     allow_failed in the job file\n" +
				"run what is missing:     anthill submit JOB.yaml --only-missing sweep\n",
		} {
			if !strings.Contains(stderr, want) {
				t.Errorf("no %q in\n%s", want, stderr)
			}
		}
		want := manifestColumns + "\n" + row(0, stateDone, "zero", "", "sweep") + row(1, stateDone, "one", "", "sweep")
		for task := 2; task < 10; task++ {
			switch task {
			case 3:
				want += row(task, stateFailed, "", "1", "sweep")
			case 7:
				want += row(task, stateFailed, "", "", "sweep")
			default:
				want += row(task, stateMissing, "", "", "sweep")
			}
		}
		expectText(t, readText(t, dir, manifestName), want)
	}
}

// As many as may fail are no failure of the job.
func TestFailedTasksThatAreAllowed(t *testing.T) {
	fake := start(t, jobs.Submitter)
	fake.AddJob("j", 2)
	fake.Accept(t, "j", 1, []byte("one"))
	fake.FailTask("j", 0, &anthillv1.TaskFailure{ExitCode: 3})
	fake.Update("j", func(j *anthillv1.Job) { j.Tasks.MayFail = 1 })
	fake.Finish("j", succeeded, "")
	dir := filepath.Join(t.TempDir(), "out")
	_, stderr := expect(t, 0, "results", "j", "-o", dir)
	expectMatch(t, stderr, `j: succeeded after .*: 2 tasks, 1 of them failed, as allow_failed permits`)
	expectMatch(t, stderr, `j: 1 task failed: 0: exit code 3\n`)
	expectFiles(t, dir, map[string]string{"task-000001.out": "one"})
	stdout, _ := expect(t, 0, "status", "j")
	expectMatch(t, stdout, `(?m)^failed     1, 1 may: task 0\n           see one: anthill status j --task 0$`)
	_, stderr = expect(t, 0, "status", "j", "--watch")
	expectMatch(t, stderr, `j: 1/2 done, 1 failed, 0 running`)
}

// A result that lacks of a job that succeeded is still an error.
func TestResultsThatAreMissingForNoReason(t *testing.T) {
	fake := start(t, jobs.Submitter)
	fake.AddJob("j", 2)
	fake.Accept(t, "j", 1, []byte("one"))
	fake.Finish("j", succeeded, "")
	_, stderr := expect(t, 1, "results", "j", "-o", filepath.Join(t.TempDir(), "out"))
	expectMatch(t, stderr, `results of job j: got 1 of 2`)
}

// What the job did not do, a retry of it has done: the manifest of their directory says
// what there is, whichever was written last.
func TestAManifestKeepsWhatIsDone(t *testing.T) {
	dir := t.TempDir()
	first := manifest{
		0: {input: "a\tb\n", state: stateDone, bytes: 3, job: "j"}, 2: {input: `back\slash`, state: stateFailed, exitCode: "1", job: "j"}, 10: {state: stateMissing, job: "j"},
	}
	retry := manifest{2: {state: stateDone, bytes: 5, job: "k"}, 10: {state: stateFailed, exitCode: "2", job: "k"}}
	const zeroes = "0000000000000000000000000000000000000000000000000000000000000000"
	for _, m := range []manifest{first, retry, first} {
		if err := m.write(dir); err != nil {
			t.Fatal(err)
		}
	}
	want := manifestColumns + "\n0\ta\\tb\\n\tdone\t3\t" + zeroes + "\t\tj\n2\t\tdone\t5\t" + zeroes + "\t\tk\n10\t\tmissing\t\t\t\tj\n"
	expectText(t, readText(t, dir, manifestName), want)
	first = manifest{2: {input: `back\slash`, state: stateFailed, exitCode: "1", job: "j"}}
	dir = t.TempDir()
	if err := first.write(dir); err != nil {
		t.Fatal(err)
	}
	expectText(t, readText(t, dir, manifestName), manifestColumns+"\n2\tback\\\\slash\tfailed\t\t\t1\tj\n")
}

func TestStatusOfAFailedTask(t *testing.T) {
	fake := start(t, jobs.Submitter)
	halfdone(t, fake, failed)
	const reason = "the task exited with code 1:\nTraceback (most recent call last):\n  line 3\nKeyError: 'beta'"
	attempt := func(node, reason string) *anthillv1.TaskAttempt {
		return &anthillv1.TaskAttempt{NodeId: strings.Repeat(node, 32), Owner: "ada", State: "voted", Credibility: 0.8, Reason: reason}
	}
	fake.Inspected("sweep", &anthillv1.GetTaskResponse{
		Task: 3, Verdict: "failed", Credibility: 0.9999, Reason: reason,
		Groups:   []*anthillv1.VoteGroup{{Failed: true, ExitCode: 1, Credibility: 0.9999}},
		Attempts: []*anthillv1.TaskAttempt{attempt("a", reason), attempt("b", "the task exited with code 1:\nanother log\x1b[2J"), attempt("c", "")},
	})
	stdout, _ := expect(t, 0, "status", "sweep", "--task", "3")
	expectText(t, stdout, `
task       3
input      range 30..40
verdict    failed with credibility 0.9999
reason     the task exited with code 1:
           Traceback (most recent call last):
             line 3
           KeyError: 'beta'

GROUP  WON  CREDIBILITY  VOTES  FUEL  RESULT
    0  yes  0.9999           3     0  failed with exit code 1

WORKER    OWNER  STATE  GROUP  CREDIBILITY  REASON
aaaaaaaa  ada    voted  0      0.8          the task exited with code 1
bbbbbbbb  ada    voted  0      0.8          the task exited with code 1
cccccccc  ada    voted  0      0.8

the end of stderr on bbbbbbbb:
  another log`+"\uFFFD"+`[2J
`)
	stdout, _ = expect(t, 0, "status", "sweep", "--task", "3", "-o", "json")
	expectMatch(t, stdout, `"input": "range 30..40"`)
	stdout, _ = expect(t, 0, "status", "sweep", "--task", "9")
	expectText(t, stdout, "task       9\ninput      range 90..100\nverdict    untouched\n")
}

// What fails is told with the job file that the user named.
func TestAFailedSubmissionSaysHowToGoOn(t *testing.T) {
	e := ending{file: "jobs/sweep.yaml", job: &anthillv1.Job{
		Id: "sweep-1", State: failed, Reason: "task 17: exit code 1", FailedTasks: []uint32{17},
	}}
	_, stderr := reported(e.err())
	for _, want := range []string{
		"anthill: job sweep-1: failed: task 17: exit code 1\n", "anthill task test --job jobs/sweep.yaml --task 17 --as sweep-1\n",
		"anthill submit jobs/sweep.yaml --only-missing sweep-1\n",
	} {
		if !strings.Contains(stderr, want) {
			t.Errorf("no %q in\n%s", want, stderr)
		}
	}
	for _, reason := range []string{"bundle: it is no module", "cancelled by task 17", "task 18: gone"} {
		e.job.FailedTasks = nil
		e.job.Reason = reason
		if _, stderr := reported(e.err()); strings.Contains(stderr, "reproduce") {
			t.Errorf("%s: %s", reason, stderr)
		}
	}
}

func reported(err error) (code int, stderr string) {
	var out strings.Builder
	code = report(&out, err)
	return code, out.String()
}

func TestNothingIsMissing(t *testing.T) {
	fake := start(t, jobs.Submitter)
	finishedWith(t, fake, "j", "r0", "r1")
	stdout, stderr := expect(t, 0, "submit", "--only-missing", "j")
	if stdout != "" || !strings.Contains(stderr, "retry job j: all of its 2 tasks have a result: there is nothing to run") {
		t.Errorf("got %q, %q", stdout, stderr)
	}
	expect(t, 2, "submit")
	expect(t, 2, "submit", "a.yaml", "b.yaml", "--only-missing", "j")
	expect(t, 3, "submit", "--only-missing", "nosuch")
	fake.AddJob("busy", 2)
	_, stderr = expect(t, 2, "submit", "--only-missing", "busy")
	expectMatch(t, stderr, `retry job busy: it still runs\nwait until it is finished`)
}

// A task is tried with the very random numbers that it had in the grid.
func TestTaskTestAsInTheGrid(t *testing.T) {
	for as, want := range map[string][32]byte{"sweep-1": executor.Seed("sweep-1", 17), "retry-2/3": executor.Seed("retry-2", 3)} {
		if got, err := seedAs(as, 17); err != nil || got != want {
			t.Errorf("%s: got %x, %v", as, got, err)
		}
	}
	if _, err := seedAs("sweep-1/x", 17); !errors.Is(err, problem.ErrInvalid) {
		t.Errorf("got %v", err)
	}
	expect(t, 2, "task", "test", "module.wasm", "--as", "sweep-1")
}
