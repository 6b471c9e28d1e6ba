package placement

import (
	"fmt"

	"github.com/anthill-grid/anthill/jobs"
)

// Waiting says for people why a job stands still, or "" if it does not. The live workers
// are outdated if none of them can count fuel by the job's rules.
func Waiting(s *jobs.State, j *jobs.Job, live []jobs.NodeID, outdated bool) string {
	if running := j.Running(); j.State != jobs.JobRunning || running > j.Paused() {
		return ""
	} else if running > 0 {
		return "the workers that run its last tasks are paused, and no other has taken them over yet"
	}
	p := &planner{Request: Request{State: s}}
	workers := 0
	for _, id := range live {
		if p.worker(id) != nil {
			workers++
		}
	}
	switch {
	case workers == 0:
		return "no worker is alive: start one with `anthill worker --join TOKEN`"
	case outdated:
		return fmt.Sprintf("all live workers are of an older version than the job, whose fuel is counted by rules %d: upgrade them", j.Spec.Metering)
	case j.Settled() == j.Total() && len(j.Unheld) > 0:
		return "all results are accepted; they are being copied to further coordinators"
	case s.AllAsked(j, live):
		return fmt.Sprintf("the owners of the %d live workers have run every task, which leaves an expected share of wrong results of %v where %v was asked for: "+
			"start workers of further owners, or it ends like that", workers, s.Bound(j), j.Spec.Trust.MaxError)
	case workers < int(j.Spec.Trust.Quorum):
		return fmt.Sprintf("%d equal results are asked for each task, and the grid has only %d live: start more workers, or set trust.replicas to 1 for machines of your own", j.Spec.Trust.Quorum, workers)
	case disputed(j) && int(j.Next) == j.Total():
		return fmt.Sprintf("the %d live workers have run all tasks, and some results disagree: start more workers", workers)
	}
	return ""
}

func disputed(j *jobs.Job) bool {
	for _, t := range j.Open {
		if t.Disputed {
			return true
		}
	}
	return false
}
