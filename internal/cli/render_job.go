package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"google.golang.org/protobuf/types/known/timestamppb"

	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/sdk"
)

func writeJobs(w io.Writer, list []*anthillv1.Job) error {
	var rows []table.Row
	for _, job := range list {
		tasks := job.GetTasks()
		rows = append(rows, table.Row{
			job.GetId(), jobState(job), fmt.Sprintf("%d/%d", tasks.GetDone(), tasks.GetTotal()),
			tasks.GetRunning(), tasks.GetDisputed(), job.GetOwner(), stamp(job.GetSubmittedAt()),
		})
	}
	return writeTable(w, table.Row{"job", "state", "done", "running", "disputed", "owner", "submitted"}, rows)
}

func writeJob(w io.Writer, job *anthillv1.Job) error {
	tasks := job.GetTasks()
	return writeFields(w, [][2]string{
		{"job", job.GetId()},
		{"state", jobState(job)},
		{"short", job.GetShort()},
		{"reason", job.GetReason()},
		{"waiting", waiting(job)},
		{"tasks", fmt.Sprintf("%d of %d done, %d accepted, %d running, %d disputed",
			tasks.GetDone(), tasks.GetTotal(), tasks.GetAccepted(), tasks.GetRunning(), tasks.GetDisputed())},
		{"failed", failures(job)},
		{"attempts", attempts(job.GetAttempts())},
		{"trust", trustTerms(job)},
		{"executions", executions(job)},
		{"disputes", disputes(job)},
		{"fuel", fuel(job)},
		{"fetched", traffic(job.GetFetched())},
		{"input", inputCopies(job)},
		{"owner", job.GetOwner()},
		{"submitted", stamp(job.GetSubmittedAt())},
		{"finished", finished(job)},
		{"kept until", stamp(job.GetForgottenAt())},
	})
}

// failures are the failed tasks, and how to see more of one; left out where none has
// failed and none may.
func failures(job *anthillv1.Job) string {
	tasks := job.GetTasks()
	switch n := tasks.GetFailed(); {
	case n == 0 && tasks.GetMayFail() == 0:
		return ""
	case n == 0 || len(job.GetFailedTasks()) == 0:
		return fmt.Sprintf("%d, %d may", n, tasks.GetMayFail())
	default:
		return fmt.Sprintf("%d, %d may: %s\nsee one: anthill status %s --task %d",
			n, tasks.GetMayFail(), someTasks(job.GetFailedTasks(), int(n)), job.GetId(), job.GetFailedTasks()[0])
	}
}

// someTasks names tasks, of so many in all.
func someTasks[N uint32 | int](list []N, total int) string {
	words := make([]string, len(list))
	for i, n := range list {
		words[i] = fmt.Sprint(n)
	}
	text := "task "
	if total > 1 {
		text = "tasks "
	}
	text += strings.Join(words, ", ")
	if total > len(list) {
		text += ", ..."
	}
	return text
}

// attempts counts those that came back, with nobody to blame for it, where there are any.
func attempts(a *anthillv1.AttemptCounts) string {
	counts := fmt.Sprintf("%d started, %d agreed, %d outvoted, %d killed, %d lost",
		a.GetStarted(), a.GetAgreed(), a.GetOutvoted(), a.GetKilled(), a.GetLost())
	if n := a.GetReturned(); n > 0 {
		counts += fmt.Sprintf(", %d returned", n)
	}
	return counts
}

// inputCopies says where the input is while the job needs it.
func inputCopies(job *anthillv1.Job) string {
	if sdk.Finished(job) {
		return ""
	}
	return fmt.Sprintf("%d copies, %s; %d needed%s", job.GetInputCopies(), owners(job.GetInputOwners()), job.GetInputCopiesNeeded(),
		lackingOwners(job.GetInputOwners(), job.GetInputOwnersNeeded()))
}

// lackingOwners stands after a number of copies that may be enough while they have too
// few owners.
func lackingOwners(have, needed uint32) string {
	if have >= needed {
		return ""
	}
	return fmt.Sprintf(" (with %d of %d owners)", have, needed)
}

// owners stands after a number of copies: those of one owner can be lost together.
func owners(n uint32) string {
	if n == 1 {
		return "1 owner"
	}
	return fmt.Sprintf("%d owners", n)
}

func finished(job *anthillv1.Job) string {
	if job.GetFinishedAt() == nil {
		return ""
	}
	return fmt.Sprintf("%s, after %s", stamp(job.GetFinishedAt()), age(job))
}

// age is how long a finished job took.
func age(job *anthillv1.Job) time.Duration {
	return job.GetFinishedAt().AsTime().Sub(job.GetSubmittedAt().AsTime()).Round(100 * time.Millisecond)
}

// fuel is left out where none was counted. Running tasks count with what they have
// used so far.
func fuel(job *anthillv1.Job) string {
	used, estimate := job.GetFuelUsed(), job.GetFuelEstimate()
	switch {
	case used == 0:
		return ""
	case estimate <= used || sdk.Finished(job):
		return sdk.Fuel(used).String()
	}
	return fmt.Sprintf("%v of about %v", sdk.Fuel(used+job.GetFuelRunning()), sdk.Fuel(estimate))
}

// portion is how far a job is, from 0 to 1: by fuel if some task has told how much it
// takes, otherwise by tasks.
func portion(job *anthillv1.Job) float64 {
	if estimate := job.GetFuelEstimate(); estimate > 0 {
		return min(1, (float64(job.GetFuelUsed())+float64(job.GetFuelRunning()))/float64(estimate))
	}
	tasks := job.GetTasks()
	return float64(tasks.GetDone()+tasks.GetFailed()) / float64(max(1, tasks.GetTotal()))
}

func traffic(t *anthillv1.Traffic) string {
	return fmt.Sprintf("%s from workers, %s from coordinators, %s from the submitter",
		sdk.Size(t.GetFromWorkers()), sdk.Size(t.GetFromCoordinators()), sdk.Size(t.GetFromSubmitter()))
}

func stamp(t *timestamppb.Timestamp) string {
	if t == nil {
		return ""
	}
	return t.AsTime().Local().Format(time.DateTime)
}

// jobState tells a job that reached its max error from one that fell short of it.
func jobState(job *anthillv1.Job) string {
	state := stateName(job.GetState())
	if sdk.ShortOfBound(job) {
		state += ", short of its max error"
	}
	return state
}

func stateName(state anthillv1.JobState) string { return enumName("JOB_STATE_", state.String()) }

// enumName is the name of a proto enum's value as people write it.
func enumName(prefix, name string) string {
	return strings.ToLower(strings.TrimPrefix(name, prefix))
}
