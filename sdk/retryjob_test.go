package sdk

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/fakegrid"
	"github.com/anthill-grid/anthill/internal/problem"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// paramsDir is a directory with a module and five files, in which a packed task has two.
func paramsDir(t testing.TB) string {
	t.Helper()
	dir := jobDir(t)
	for i := range 5 {
		write(t, filepath.Join(dir, "params", fmt.Sprintf("%d.txt", i)), strings.Repeat(fmt.Sprint(i), 40)+"\n")
	}
	write(t, filepath.Join(dir, "corpus.txt"), "a\nb\nc\nd\ne\nf\ng\nh\ni\n")
	return dir
}

func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// inputs are all kinds of them, and what their tasks read in words.
var inputs = map[string]struct {
	text  string
	words []string
}{
	"range": {"{range: {from: 0, to: 50, step: 10}}", []string{"range 0..10", "range 10..20", "range 20..30", "range 30..40", "range 40..50"}},
	"items": {`{items: ["beta=1", "", "é\nü", {a: 1}, 007]}`, []string{"beta=1", "", "é\nü", `{"a":1}`, "007"}},
	"files": {"{files: ['params/*']}", []string{"params/0.txt", "params/1.txt", "params/2.txt", "params/3.txt", "params/4.txt"}},
	"pack":  {"{files: ['params/*'], pack: 100}", []string{"2 files: params/0.txt, params/1.txt", "2 files: params/2.txt, params/3.txt", "params/4.txt"}},
	"lines": {"{split: {file: corpus.txt, lines: 2}}", []string{
		"lines 1 to 2 of corpus.txt", "lines 3 to 4 of corpus.txt", "lines 5 to 6 of corpus.txt", "lines 7 to 8 of corpus.txt", "lines 9 to 10 of corpus.txt"}},
	"bytes": {"{split: {file: corpus.txt, size: 4}}", []string{
		"bytes 0 to 4 of corpus.txt", "bytes 4 to 8 of corpus.txt", "bytes 8 to 12 of corpus.txt", "bytes 12 to 16 of corpus.txt", "bytes 16 to 20 of corpus.txt"}},
}

// halfdone is a grid with a finished job, which the grid has kept, and in which the tasks
// from 1 on have no result.
type halfdone struct {
	fake *fakegrid.Grid
	grid *Grid
	file *JobFile
	id   string
	// shards are what the tasks read.
	shards [][]byte
}

func newHalfdone(t *testing.T, input string) *halfdone {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir())
	fake := fakegrid.Start(t, 2)
	s := &halfdone{fake: fake, grid: connect(t, fake, 2*time.Second)}
	var err error
	if s.file, err = ParseJobFile(filepath.Join(paramsDir(t), "job.yaml"), []byte(head+"input: "+input+"\nargs: [--fast]\nallow_failed: 2\n")); err != nil {
		t.Fatal(err)
	}
	p, err := Prepare(t.Context(), s.file)
	if err != nil {
		t.Fatal(err)
	}
	for i := range p.Tasks() {
		s.shards = append(s.shards, shardOf(t, p, i))
	}
	s.id = s.submit(t, p)
	fake.Accept(t, s.id, 0, []byte("done"))
	fake.FailTask(s.id, 1, &anthillv1.TaskFailure{ExitCode: 1, Reason: "it died:\nKeyError"})
	fake.Finish(s.id, anthillv1.JobState_JOB_STATE_FAILED, "")
	return s
}

func shardOf(t *testing.T, p *Prepared, i int) []byte {
	t.Helper()
	shard, err := p.Shard(i)
	if err != nil {
		t.Fatal(err)
	}
	return shard
}

// submit has the grid keep a job.
func (s *halfdone) submit(t *testing.T, p *Prepared) string {
	t.Helper()
	job, err := s.grid.SubmitPrepared(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	defer job.Close()
	s.fake.Keep(t, job.ID())
	return job.ID()
}

func (s *halfdone) inputs(t *testing.T, id string) *TaskInputs {
	t.Helper()
	job, err := s.grid.Job(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	in, err := s.grid.TaskInputs(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// A job, whatever its input, is retried with and without its job file, and the retry is
// retried: each runs what lacks, byte for byte, and knows which tasks these are.
func TestARetryRunsWhatLacks(t *testing.T) {
	for name, input := range inputs {
		for _, with := range []string{"its job file", "what the grid has kept"} {
			t.Run(name+" with "+with, func(t *testing.T) {
				s := newHalfdone(t, input.text)
				file := s.file
				if with != "its job file" {
					file = nil
				}
				s.expectWords(t, s.id, s.id, 0, input.words)
				last := s.id
				for first := 1; first <= 2; first++ {
					p, err := s.grid.PrepareRetry(t.Context(), last, file)
					if err != nil {
						t.Fatal(err)
					}
					s.expectShards(t, p, first)
					last = s.submit(t, p)
					s.expectWords(t, last, s.id, first, input.words)
					s.fake.Accept(t, last, 0, []byte("done"))
					if first == 2 {
						for i := first; i < len(s.shards); i++ {
							s.fake.Accept(t, last, uint32(i-first), []byte("done"))
						}
					}
					s.fake.Finish(last, anthillv1.JobState_JOB_STATE_CANCELLED, "")
				}
				if _, err := s.grid.PrepareRetry(t.Context(), last, file); !errors.Is(err, ErrNothingMissing) {
					t.Errorf("nothing is missing: %v", err)
				}
			})
		}
	}
}

// expectShards: the job reads the shards from first on, and is otherwise as it was.
func (s *halfdone) expectShards(t *testing.T, p *Prepared, first int) {
	t.Helper()
	if p.Tasks() != len(s.shards)-first {
		t.Fatalf("%d tasks, want those from %d on of %d", p.Tasks(), first, len(s.shards))
	}
	for i := range p.Tasks() {
		if got := shardOf(t, p, i); !bytes.Equal(got, s.shards[first+i]) {
			t.Errorf("task %d reads %q, want %q", i, got, s.shards[first+i])
		}
	}
	if !slices.Equal(p.spec.Args, []string{"--fast"}) || string(p.spec.RetryOf) != s.id || p.spec.AllowFailed != min(2, uint32(p.Tasks())) {
		t.Errorf("the job is %+v", p.spec)
	}
}

// expectWords: the tasks of a job are those of the whole one from first on.
func (s *halfdone) expectWords(t *testing.T, id, whole string, first int, words []string) {
	t.Helper()
	in := s.inputs(t, id)
	if in.Job != whole || in.Tasks != len(s.shards) {
		t.Errorf("%s is of the %d tasks of %s", id, in.Tasks, in.Job)
	}
	for i, text := range words[first:] {
		if got := in.At(i); got != (TaskInput{Task: first + i, Text: text}) {
			t.Errorf("%s: task %d is %+v, want %d: %q", id, i, got, first+i, text)
		}
	}
}

func TestARetryOfAnotherInputIsRefused(t *testing.T) {
	s := newHalfdone(t, inputs["files"].text)
	dir := filepath.Dir(s.file.Path)
	retry := func(what, says string) {
		t.Helper()
		_, err := s.grid.PrepareRetry(t.Context(), s.id, s.file)
		if !errors.Is(err, problem.ErrInvalid) || !strings.Contains(fmt.Sprint(err), says) || problem.Next(err) == "" {
			t.Errorf("%s: %v, want %q", what, err, says)
		}
	}
	write(t, filepath.Join(dir, "params", "3.txt"), "changed\n")
	retry("a file that changed", "it is another than that of job "+s.id)
	write(t, filepath.Join(dir, "params", "9.txt"), "new\n")
	retry("one more file", "it makes 6 tasks, and job "+s.id+" has 5")
	s.fake.Update(s.id, func(j *anthillv1.Job) { j.State = anthillv1.JobState_JOB_STATE_RUNNING })
	retry("a job that runs", "it still runs")
	if _, err := s.grid.PrepareRetry(t.Context(), "nosuch", s.file); !errors.Is(err, problem.ErrNotFound) {
		t.Errorf("no such job: %v", err)
	}
}

// What only the grid has may be gone from there.
func TestARetryWithoutTheInput(t *testing.T) {
	s := newHalfdone(t, inputs["items"].text)
	s.fake.Forget(t, s.id)
	_, err := s.grid.PrepareRetry(t.Context(), s.id, nil)
	if !errors.Is(err, problem.ErrUnavailable) || !strings.Contains(problem.Next(err), "give the job file") {
		t.Errorf("got %v, next %q", err, problem.Next(err))
	}
	p, err := s.grid.PrepareRetry(t.Context(), s.id, s.file)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if at := s.inputs(t, s.id).At(1); at != (TaskInput{Task: 1}) {
		t.Errorf("what nobody knows any more is told as %+v", at)
	}
}

// A coordinator that is too old drops what it does not know: then nothing must run.
func TestOldCoordinatorsDoNotDropWhatAJobNeeds(t *testing.T) {
	s := newHalfdone(t, inputs["range"].text)
	s.fake.Drop = func(spec *anthillv1.JobSpec) { spec.AllowFailed = 0 }
	job, err := s.grid.Submit(t.Context(), s.file)
	if job != nil || !errors.Is(err, problem.ErrInvalid) || !strings.Contains(fmt.Sprint(err), "allow_failed: the grid's coordinators are too old") {
		t.Errorf("got %v, %v", job, err)
	}
	s.fake.Drop = func(spec *anthillv1.JobSpec) { spec.RetryOf = "" }
	p, err := s.grid.PrepareRetry(t.Context(), s.id, s.file)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err = s.grid.SubmitPrepared(t.Context(), p); !strings.Contains(fmt.Sprint(err), "retry: the grid's coordinators are too old") {
		t.Errorf("a retry: %v", err)
	}
	list, err := s.grid.Jobs(t.Context())
	for _, j := range list[:2] {
		if j.GetState() != anthillv1.JobState_JOB_STATE_CANCELLED {
			t.Errorf("%s is %v, %v", j.GetId(), j.GetState(), err)
		}
	}
}

func TestFailures(t *testing.T) {
	s := newHalfdone(t, inputs["range"].text)
	s.fake.FailTask(s.id, 3, &anthillv1.TaskFailure{GivenUp: true})
	s.fake.Kill(0)
	var got []TaskFailure
	for f, err := range s.grid.Failures(t.Context(), s.id) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, *f)
	}
	want := []TaskFailure{{Task: 1, ExitCode: 1, Reason: "it died:\nKeyError"}, {Task: 3, GivenUp: true}}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for range s.grid.Failures(t.Context(), s.id) {
		break // leaving early is no error
	}
	for _, err := range s.grid.Failures(t.Context(), "nosuch") {
		if !errors.Is(err, problem.ErrNotFound) {
			t.Errorf("no such job: %v", err)
		}
	}
}
