package cli

import (
	"strings"
	"testing"
	"time"

	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// An end is estimated once enough is done to tell, from the pace since then: neither
// from the time before anything was, nor from that of hours ago.
func TestPace(t *testing.T) {
	type step struct {
		after time.Duration
		done  uint32
		want  time.Duration
	}
	for name, c := range map[string]struct {
		total uint32
		steps []step
	}{
		"compiling is not counted": {200, []step{
			{0, 0, 0}, {9 * time.Second, 2, 0}, {10 * time.Second, 9, 0}, {12 * time.Second, 15, 0}, {19 * time.Second, 42, 40 * time.Second},
		}},
		"a small part of a job is enough if it is many tasks": {10_000, []step{
			{0, 1, 0}, {6 * time.Second, 7, 0}, {20 * time.Second, 21, 9979 * time.Second},
		}},
		"nothing gained":    {100, []step{{0, 20, 0}, {10 * time.Second, 20, 0}, {20 * time.Second, 40, 60 * time.Second}, {80 * time.Second, 100, 0}}},
		"a job that slows":  {1000, []step{{0, 100, 0}, {60 * time.Second, 500, 60 * time.Second * 500 / 400}, {120 * time.Second, 501, 499 * time.Minute}}},
		"failed tasks gain": {100, []step{{0, 20, 0}, {20 * time.Second, 40, 60 * time.Second}}},
	} {
		var p pace
		start := time.Unix(1000, 0)
		for _, step := range c.steps {
			job := jobAt(step.done, c.total)
			if name == "failed tasks gain" {
				job.Tasks.Done, job.Tasks.Failed = 0, step.done
			}
			if got := p.eta(job, start.Add(step.after)); got != step.want {
				t.Errorf("%s: after %v with %d done: got %v, want %v", name, step.after, step.done, got, step.want)
			}
		}
	}
}

// However long a job is watched, little is remembered of its progress.
func TestPaceForgets(t *testing.T) {
	var p pace
	start := time.Unix(1000, 0)
	for i := range 100_000 {
		p.eta(jobAt(uint32(i+1), 1_000_000), start.Add(time.Duration(i)*time.Second))
	}
	if len(p.samples) > maxSamples {
		t.Errorf("%d samples", len(p.samples))
	}
	if got, want := p.eta(jobAt(100_001, 1_000_000), start.Add(100_000*time.Second)), 899_999*time.Second; got < want*9/10 || got > want*11/10 {
		t.Errorf("got %v, want about %v", got, want)
	}
}

// Half-done tasks bring a job on, and shorten what is left.
func TestPaceByFuel(t *testing.T) {
	var p pace
	start, job := time.Unix(1000, 0), jobAt(1, 4)
	job.FuelUsed, job.FuelEstimate = 100, 400
	if got := p.eta(job, start); got != 0 {
		t.Errorf("at once: %v", got)
	}
	job.FuelRunning = 100
	if got := p.eta(job, start.Add(10*time.Second)); got != 20*time.Second {
		t.Errorf("half of the work after a quarter in 10 s: %v, want 20s", got)
	}
	if line := progressLine(job, 0); !strings.HasPrefix(line, "1/4 done, 4 running, 1 disputed, 50 % of the work;") {
		t.Errorf("line %q", line)
	}
}

// Sixteen attempts under way, and one result, are not sixteen executions per task.
func TestExecutionsAreOfTheTasksThatWereBegun(t *testing.T) {
	job := jobAt(1, 200)
	job.Tasks.Accepted, job.Attempts = 1, &anthillv1.AttemptCounts{Started: 16}
	if got := executions(job); got != "1.00x per task, 0 extra" {
		t.Errorf("got %q", got)
	}
	job.Attempts.Extra = 8
	if got := executions(job); got != "2.00x per task, 8 extra" {
		t.Errorf("got %q", got)
	}
	job.Attempts.Extra = 16 // which cannot be
	if got := redundancy(job); got != "16.00x" {
		t.Errorf("got %q", got)
	}
}

// A job that failed has reached no bound.
func TestFailedJobsReachNoBound(t *testing.T) {
	for state, reached := range map[anthillv1.JobState]bool{
		anthillv1.JobState_JOB_STATE_RUNNING: true, anthillv1.JobState_JOB_STATE_SUCCEEDED: true,
		anthillv1.JobState_JOB_STATE_FAILED: false, anthillv1.JobState_JOB_STATE_CANCELLED: false,
	} {
		job := jobAt(5, 10)
		job.State, job.Tasks.Accepted, job.Attempts = state, 5, &anthillv1.AttemptCounts{Started: 6, Extra: 1}
		job.Spec = &anthillv1.JobSpec{Trust: &anthillv1.Trust{MaxError: 1e-4}}
		line, terms := progressLine(job, 0), trustTerms(job)
		if strings.Contains(line, "max error") != reached || strings.Contains(terms, "reached") != reached || !strings.Contains(line, "1.20x executions per task") {
			t.Errorf("%v: %q, %q", state, line, terms)
		}
	}
}
