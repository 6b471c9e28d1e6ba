package desk

import (
	"slices"
	"testing"

	"github.com/anthill-grid/anthill/internal/lab/voter"
	"github.com/anthill-grid/anthill/jobs"
)

// TestWorkersOfTheVersionBefore say in their offers that they know older rules alone, or say
// nothing: they get what they can count, and are named as such as long as they are heard of.
func TestWorkersOfTheVersionBefore(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	l.Admit(jobs.Worker, "before", "now")
	l.Do(jobs.Command{Raise: &jobs.RaiseVersion{Version: jobs.LastVersion}})
	d := openDesk(l, true)
	_, _ = d.Heartbeat("before", Beat{})
	if able, outdated := d.Counting(jobs.Metering); able != 1 || outdated != 0 {
		t.Errorf("%d are able and %d outdated before they said anything", able, outdated)
	}
	l.Submit("new", 1, func(c *jobs.SubmitJob) { c.Spec.Metering = jobs.Metering })
	l.Submit("old", 1)
	list, err := d.Offer(soon(t), "before", 5, jobs.OldestMetering)
	if err != nil || len(list) != 1 || list[0].Job != "old" {
		t.Errorf("leases %v, %v; want that of the job by older rules", list, err)
	}
	if able, outdated := d.Counting(jobs.Metering); able != 0 || outdated != 1 {
		t.Errorf("%d are able, and %d outdated", able, outdated)
	}
	if able, outdated := d.Counting(jobs.OldestMetering); able != 1 || outdated != 0 {
		t.Errorf("%d are able by the oldest rules, and %d outdated", able, outdated)
	}
	list, err = d.Offer(soon(t), "now", 5, jobs.Metering)
	if err != nil || !slices.ContainsFunc(list, func(l Lease) bool { return l.Job == "new" }) {
		t.Errorf("leases %v, %v; want one of the other", list, err)
	}
}
