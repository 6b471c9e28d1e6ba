package cli

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/anthill-grid/anthill/internal/problem"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/sdk"
)

// ending says what became of a finished job.
type ending struct {
	job *anthillv1.Job
	// inputs tells what its tasks read; nil: nobody was asked.
	inputs *sdk.TaskInputs
	// file is the job file as the user named it, or "".
	file string
}

// endingOf asks the grid for what is worth knowing of a job that has failed tasks.
func endingOf(ctx context.Context, grid *sdk.Grid, job *anthillv1.Job) ending {
	e := ending{job: job}
	if len(job.GetFailedTasks()) > 0 {
		e.inputs, _ = grid.TaskInputs(ctx, job) // without, tasks are told by their numbers
	}
	return e
}

// err is an error if the job did not give what was asked for.
func (e ending) err() error {
	job := e.job
	switch {
	case sdk.ShortOfBound(job):
		return &problem.Problem{Kind: errShort, Next: job.GetShort(), Message: fmt.Sprintf(
			"job %s: all results are there, but short of the max error: %s asked, %s reached",
			job.GetId(), share(job.GetSpec().GetTrust().GetMaxError()), atMost(job.GetBound()))}
	case job.GetState() == anthillv1.JobState_JOB_STATE_SUCCEEDED:
		return nil
	}
	message := fmt.Sprintf("job %s: %s: %s", job.GetId(), stateName(job.GetState()), e.reason())
	return &problem.Problem{Message: message, Next: e.next()}
}

// taskNamed finds the task that a job's reason is about.
var taskNamed = regexp.MustCompile(`\btask (\d+)\b`)

// blamed is the failed task that the job's reason is about.
func (e ending) blamed() (task int, is bool) {
	line, _, _ := strings.Cut(e.job.GetReason(), "\n")
	for _, found := range taskNamed.FindAllStringSubmatch(line, -1) {
		n, err := strconv.ParseUint(found[1], 10, 32)
		if err == nil && (slices.Contains(e.job.GetFailedTasks(), uint32(n)) || len(e.job.GetFailedTasks()) >= namedTasks) {
			return int(n), true
		}
	}
	return 0, false
}

// namedTasks is how many failed tasks a job names at most.
const namedTasks = 10

// reason is why the job ended, with the words for the input of the task that it is
// about, and the lines of a log set apart.
func (e ending) reason() string {
	reason := e.job.GetReason()
	if reason == "" {
		return "no reason given"
	}
	if task, is := e.blamed(); is {
		name := fmt.Sprintf("task %d", task)
		reason = strings.Replace(reason, name, name+e.named(task), 1)
	}
	return setApart(reason, "    ")
}

// named is what a task reads, in brackets after a space, if that is known.
func (e ending) named(task int) string {
	if e.inputs == nil {
		return ""
	}
	in := e.inputs.At(task)
	words := []string{}
	if in.Text != "" {
		words = append(words, oneLine(in.Text))
	}
	if e.inputs.Job != e.job.GetId() {
		words = append(words, fmt.Sprintf("task %d of %s", in.Task, e.inputs.Job))
	}
	if len(words) == 0 {
		return ""
	}
	return " (" + strings.Join(words, ", ") + ")"
}

// next is what the user can do about a job in which tasks have failed.
func (e ending) next() string {
	task, is := e.blamed()
	if !is {
		return ""
	}
	as := e.job.GetId()
	if e.inputs != nil && e.inputs.Job != e.job.GetId() {
		as = fmt.Sprintf("%s/%d", e.job.GetId(), task)
		task = e.inputs.At(task).Task
	}
	file := e.file
	if file == "" {
		file = "JOB.yaml"
	}
	return fmt.Sprintf("reproduce it here:       anthill task test --job %s --task %d --as %s\n"+
		"let some tasks fail:     allow_failed in the job file\n"+
		"run what is missing:     anthill submit %s --only-missing %s", file, task, as, file, e.job.GetId())
}

// setApart puts the lines after the first behind an indent.
func setApart(text, indent string) string {
	return strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n"+indent)
}

// oneLine is a text without its line ends.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// failedNote says how many tasks have failed, for the end of a job that allowed it; it
// begins with a separator.
func failedNote(job *anthillv1.Job) string {
	n := job.GetTasks().GetFailed()
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", %d of them failed, as allow_failed permits", n)
}
