package cli

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/sdk"
)

func jobAt(done, total uint32) *anthillv1.Job {
	return &anthillv1.Job{
		Id: "j", State: anthillv1.JobState_JOB_STATE_RUNNING,
		Tasks:   &anthillv1.TaskCounts{Done: done, Total: total, Running: 4, Disputed: 1},
		Fetched: &anthillv1.Traffic{FromWorkers: 1 << 20, FromCoordinators: 2 << 20, FromSubmitter: 1 << 10},
	}
}

func TestProgressLine(t *testing.T) {
	const counts = "5/10 done, 4 running, 1 disputed; 3 MiB from peers, 1 KiB from the submitter"
	job := jobAt(5, 10)
	if got := progressLine(job, 0); got != counts {
		t.Errorf("got %q", got)
	}
	if got := progressLine(job, 90*time.Second); got != counts+"; ETA 1m30s" {
		t.Errorf("got %q", got)
	}
	job.Waiting = "no workers"
	if got := progressLine(job, time.Second); got != counts+"; waiting: no workers" {
		t.Errorf("got %q", got)
	}
}

func TestPace(t *testing.T) {
	var p pace
	start := time.Unix(1000, 0)
	steps := []struct {
		after time.Duration
		done  uint32
		want  time.Duration
	}{
		{0, 20, 0},                               // no pace is known yet
		{10 * time.Second, 20, 0},                // nothing gained
		{20 * time.Second, 40, 60 * time.Second}, // one a second, 60 left
		{80 * time.Second, 100, 0},               // nothing left
	}
	for _, step := range steps {
		if got := p.eta(jobAt(step.done, 100), start.Add(step.after)); got != step.want {
			t.Errorf("after %v with %d done: got %v, want %v", step.after, step.done, got, step.want)
		}
	}
}

func TestLinesComeNowAndThen(t *testing.T) {
	var out strings.Builder
	l := &lines{w: &out}
	l.show(jobAt(1, 3))
	l.show(jobAt(2, 3)) // too soon
	l.note("an event")
	l.last = time.Now().Add(-linePause)
	l.show(jobAt(2, 3))
	done := jobAt(3, 3)
	done.State = succeeded
	l.show(done) // the end is always told
	l.show(done) // but once
	var got []string
	for line := range strings.Lines(out.String()) {
		got = append(got, strings.Fields(line)[1])
	}
	if want := "[1/3 event 2/3 3/3]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestReportNeverShowsRawGRPC(t *testing.T) {
	tests := []struct {
		err  error
		code int
		want string
	}{
		{nil, 0, ""},
		{errors.New("disk: full"), 1, "anthill: disk: full\n"},
		{status.Error(codes.NotFound, "job x: none"), 3, "anthill: job x: none\n"},
		{status.Error(codes.Unavailable, "no majority"), 4, "anthill: no majority\n"},
		{fmt.Errorf("look: %w", sdk.ErrInvalid), 2, "anthill: look: bad input\n"},
		{status.Error(codes.Canceled, "context canceled"), 130, "anthill: interrupted\n"},
	}
	for _, tt := range tests {
		var out strings.Builder
		if code := report(&out, tt.err); code != tt.code || out.String() != tt.want {
			t.Errorf("%v: got %d, %q; want %d, %q", tt.err, code, out.String(), tt.code, tt.want)
		}
	}
}

func TestBarEndsThoughTheJobDoesNot(t *testing.T) {
	var out strings.Builder
	b := newBar(&out)
	b.show(jobAt(1, 3))
	b.note("an event")
	ended := make(chan struct{})
	go func() { b.close(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Fatal("the bar hangs")
	}
}
