package cli

import (
	"fmt"

	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/sdk"
)

// trustTerms says what makes the job's results believable, and how far that
// has come.
func trustTerms(job *anthillv1.Job) string {
	trust := job.GetSpec().GetTrust()
	switch {
	case trust.GetMaxError() >= 1: // one's own machines
		return "each task once, with spot checks" + boundReached(job)
	case trust.GetMaxError() > 0:
		return "max error " + share(trust.GetMaxError()) + " asked" + boundReached(job)
	case trust.GetQuorum() > 0:
		return fmt.Sprintf("%d of %d equal results", trust.GetQuorum(), max(trust.GetQuorum(), trust.GetReplicas()))
	}
	return ""
}

// boundReached is left out before there is a result that could be wrong, and of a job
// that ended before it reached anything.
func boundReached(job *anthillv1.Job) string {
	if job.GetTasks().GetAccepted() == 0 || cutShort(job) {
		return ""
	}
	return ", " + atMost(job.GetBound()) + " reached"
}

// executions is what the trust costs. It includes those that are under way.
func executions(job *anthillv1.Job) string {
	if job.GetTasks().GetAccepted() == 0 {
		return ""
	}
	return fmt.Sprintf("%s per task, %d extra", redundancy(job), job.GetAttempts().GetExtra())
}

// redundancy is how often each task that was begun was executed, or is. That it has no
// result yet is no reason to leave it out: at first hardly any has. What came back is
// left out: no work was done twice for it.
func redundancy(job *anthillv1.Job) string {
	a := job.GetAttempts()
	begun := a.GetStarted() - min(a.GetStarted(), a.GetExtra())
	return fmt.Sprintf("%.2fx", float64(a.GetStarted()-min(a.GetStarted(), a.GetReturned()))/float64(max(1, begun)))
}

// cutShort says whether a job ended without succeeding.
func cutShort(job *anthillv1.Job) bool {
	return sdk.Finished(job) && job.GetState() != anthillv1.JobState_JOB_STATE_SUCCEEDED
}

// disputes are left out where all agreed.
func disputes(job *anthillv1.Job) string {
	tasks := job.GetTasks()
	if tasks.GetDisputes()+tasks.GetReopened()+tasks.GetChanged() == 0 {
		return ""
	}
	return fmt.Sprintf("%d in all; of the accepted results %d were reopened, %d changed",
		tasks.GetDisputes(), tasks.GetReopened(), tasks.GetChanged())
}

// trustNote is trust in a few words, for progress lines; it begins with a
// separator.
func trustNote(job *anthillv1.Job) string {
	if job.GetTasks().GetAccepted() == 0 || job.GetAttempts().GetStarted() == 0 {
		return ""
	}
	note := "; "
	if asked := job.GetSpec().GetTrust().GetMaxError(); asked > 0 && asked < 1 && !cutShort(job) {
		note += fmt.Sprintf("max error %s (%s asked), ", atMost(job.GetBound()), share(asked))
	}
	return note + redundancy(job) + " executions per task"
}
