package cli

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

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
	const counts = "5/10 done, 4 running, 1 disputed; 1 MiB from workers, 2 MiB from coordinators, 1 KiB from the submitter"
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

func TestProgressLineTellsOfTrust(t *testing.T) {
	job := jobAt(5, 10)
	job.Spec = &anthillv1.JobSpec{Trust: &anthillv1.Trust{MaxError: 1e-4}}
	job.Tasks.Accepted, job.Tasks.Reopened, job.Bound = 100, 3, 0.0000321
	job.Attempts = &anthillv1.AttemptCounts{Started: 107, Extra: 7}
	const want = "5/10 done, 4 running, 1 disputed, 3 reopened; max error 3.3e-5 (1e-4 asked), 1.07x executions per task; 1 MiB from workers, 2 MiB from coordinators, 1 KiB from the submitter"
	if got := progressLine(job, 0); got != want {
		t.Errorf("got %q", got)
	}
	job.Spec.Trust = &anthillv1.Trust{Replicas: 2, Quorum: 2}
	if got := progressLine(job, 0); strings.Contains(got, "max error") || !strings.Contains(got, "; 1.07x executions per task;") {
		t.Errorf("under fixed replication: %q", got)
	}
}

func TestWriteJobTellsOfTrust(t *testing.T) {
	job := jobAt(5, 10)
	job.Attempts = &anthillv1.AttemptCounts{Started: 107, Extra: 7}
	job.Tasks.Accepted, job.Bound = 100, 2.5e-3
	tests := []struct {
		name  string
		trust *anthillv1.Trust
		edit  func(*anthillv1.Job)
		want  string
	}{
		{"bound", &anthillv1.Trust{MaxError: 1e-3}, func(j *anthillv1.Job) { j.Tasks.Disputes, j.Tasks.Reopened, j.Tasks.Changed = 4, 3, 1 },
			"trust      max error 0.001 asked, 0.0025 reached\nexecutions 1.07x per task, 7 extra\n" +
				"disputes   4 in all; of the accepted results 3 were reopened, 1 changed\n"},
		{"nothing accepted", &anthillv1.Trust{MaxError: 1e-4}, func(j *anthillv1.Job) { j.Tasks.Accepted = 0 },
			"trust      max error 1e-4 asked\n"},
		{"own machines", &anthillv1.Trust{MaxError: 1, Replicas: 1}, func(*anthillv1.Job) {},
			"trust      each task once, with spot checks, 0.0025 reached\nexecutions 1.07x per task, 7 extra\n"},
		{"fixed", &anthillv1.Trust{Replicas: 3, Quorum: 2, MaxAttempts: 5}, func(*anthillv1.Job) {},
			"trust      2 of 3 equal results\nexecutions 1.07x per task, 7 extra\n"},
	}
	for _, tt := range tests {
		job := proto.CloneOf(job)
		job.Spec = &anthillv1.JobSpec{Trust: tt.trust}
		tt.edit(job)
		var out strings.Builder
		if err := writeJob(&out, job); err != nil {
			t.Fatal(err)
		}
		_, got, _ := strings.Cut(out.String(), "0 lost\n")
		got, _, _ = strings.Cut(got, "fetched")
		if got != tt.want {
			t.Errorf("%s: got\n%swant\n%s", tt.name, got, tt.want)
		}
	}
}

// TestWhatCameBackIsNoExecution, and is told where there is any.
func TestWhatCameBackIsNoExecution(t *testing.T) {
	job := &anthillv1.Job{Tasks: &anthillv1.TaskCounts{Accepted: 10}, Attempts: &anthillv1.AttemptCounts{Started: 12, Agreed: 10, Lost: 2, Extra: 2}}
	if got := attempts(job.Attempts) + "; " + redundancy(job); got != "12 started, 10 agreed, 0 outvoted, 0 killed, 2 lost; 1.20x" {
		t.Error(got)
	}
	job.Attempts.Started, job.Attempts.Extra, job.Attempts.Returned = 52, 42, 40
	if got := attempts(job.Attempts) + "; " + redundancy(job); got != "52 started, 10 agreed, 0 outvoted, 0 killed, 2 lost, 40 returned; 1.20x" {
		t.Error(got)
	}
}

func TestWriteTask(t *testing.T) {
	task := &anthillv1.GetTaskResponse{
		Task: 7, Verdict: "accepted", Credibility: 0.9999871,
		Groups: []*anthillv1.VoteGroup{
			{Group: 1, Credibility: 0.9999871, Output: &anthillv1.BlobRef{Id: []byte("0123456789"), Size: 2048}, Fuel: 1_234_567},
			{Group: 0, Credibility: 0.000012, Failed: true, ExitCode: 3},
		},
		Attempts: []*anthillv1.TaskAttempt{
			{NodeId: strings.Repeat("a", 32), Owner: "ada", State: "outvoted", Group: 0, Credibility: 0.8},
			{NodeId: strings.Repeat("b", 32), Owner: "bruno", State: "killed", Credibility: 0.95, Reason: "time limit:\nstderr"},
			{NodeId: strings.Repeat("c", 32), Owner: "chen", State: "voted", Group: 1, Credibility: 0.9968},
			{NodeId: strings.Repeat("d", 32), Owner: "dora", State: "voted", Group: 1, Credibility: 1},
		},
	}
	expectTask(t, task, `
task       7
verdict    accepted with credibility 0.999987

GROUP  WON  CREDIBILITY  VOTES     FUEL  RESULT
    1  yes  0.999987         2  1234567  2 KiB, 303132333435
    0       1.2e-5           1        0  failed with exit code 3

WORKER    OWNER  STATE     GROUP  CREDIBILITY  REASON
aaaaaaaa  ada    outvoted  0      0.8
bbbbbbbb  bruno  killed           0.95         time limit
cccccccc  chen   voted     1      0.9968
dddddddd  dora   voted     1      1

the end of stderr on bbbbbbbb:
  stderr
`)
	task.Verdict, task.Credibility = "disputed", 0
	task.Attempts = task.Attempts[:1]
	task.Groups = task.Groups[1:]
	expectTask(t, task, `
task       7
verdict    disputed

GROUP  WON  CREDIBILITY  VOTES  FUEL  RESULT
    0       1.2e-5           1     0  failed with exit code 3

WORKER    OWNER  STATE     GROUP  CREDIBILITY  REASON
aaaaaaaa  ada    outvoted  0      0.8
`)
}

func expectTask(t *testing.T, task *anthillv1.GetTaskResponse, want string) {
	t.Helper()
	var out strings.Builder
	if err := writeTask(&out, task); err != nil {
		t.Fatal(err)
	}
	expectText(t, out.String(), want)
}

func TestShares(t *testing.T) {
	tests := []struct {
		p                        float64
		share, atMost, certainty string
	}{
		{0, "0", "0", "0"},
		{1e-9, "1e-9", "1e-9", "1e-9"},
		{1e-4, "1e-4", "1e-4", "1e-4"},
		{100001e-9, "1.00001e-4", "1.1e-4", "1e-4"},
		{99600e-9, "9.96e-5", "1e-4", "1e-4"},
		{32e-6, "3.2e-5", "3.2e-5", "3.2e-5"},
		{0.001, "0.001", "0.001", "0.001"},
		{0.2, "0.2", "0.2", "0.2"},
		{0.8, "0.8", "0.8", "0.8"},
		{0.9968, "0.9968", "1", "0.9968"},
		{0.999967, "0.999967", "1", "0.999967"},
		{0.999999999, "0.999999999", "1", "0.999999999"},
		{1, "1", "1", "1"},
	}
	for _, tt := range tests {
		if got := share(tt.p); got != tt.share {
			t.Errorf("share(%v) is %q, want %q", tt.p, got, tt.share)
		}
		if got := atMost(tt.p); got != tt.atMost {
			t.Errorf("atMost(%v) is %q, want %q", tt.p, got, tt.atMost)
		}
		if got := certainty(tt.p); got != tt.certainty {
			t.Errorf("certainty(%v) is %q, want %q", tt.p, got, tt.certainty)
		}
	}
}

func TestFuelOfJobs(t *testing.T) {
	for _, test := range []struct {
		used, estimate uint64
		running        uint64
		state          anthillv1.JobState
		want           string
	}{
		{0, 0, 0, anthillv1.JobState_JOB_STATE_RUNNING, ""},
		{3.1e12, 12e12, 0, anthillv1.JobState_JOB_STATE_RUNNING, "fuel       3.1 T of about 12 T\n"},
		{3.1e12, 12e12, 2e12, anthillv1.JobState_JOB_STATE_RUNNING, "fuel       5.1 T of about 12 T\n"},
		{12e12, 12e12, 0, anthillv1.JobState_JOB_STATE_RUNNING, "fuel       12 T\n"},
		{3.1e12, 12e12, 2e12, anthillv1.JobState_JOB_STATE_FAILED, "fuel       3.1 T\n"},
	} {
		job := jobAt(5, 10)
		job.State, job.FuelUsed, job.FuelEstimate, job.FuelRunning = test.state, test.used, test.estimate, test.running
		var out strings.Builder
		if err := writeJob(&out, job); err != nil || !strings.Contains(out.String(), test.want) || strings.Contains(out.String(), "fuel") != (test.want != "") {
			t.Errorf("%d of %d: got\n%s%v; want %q", test.used, test.estimate, out.String(), err, test.want)
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
		{fmt.Errorf("job x: %w", errShort), 5, "anthill: job x: short of its max error\n"},
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

// Results are checked by other owners' workers only.
func TestDevWorkersCheckEachOther(t *testing.T) {
	owners := map[string]bool{}
	for _, w := range devWorkers() {
		owners[w.Owner] = true
		if w.Prior != 0.001 {
			t.Errorf("%s is a saboteur with probability %v", w.Owner, w.Prior)
		}
	}
	if len(owners) < 2 || len(owners) != len(devWorkers()) {
		t.Errorf("%d workers of %d owners", len(devWorkers()), len(owners))
	}
}

// Copies on machines of one owner are told from copies with several.
func TestCopiesAreToldWithTheirOwners(t *testing.T) {
	for owners, want := range map[uint32]string{1: "input      2 copies, 1 owner; 2 needed (with 1 of 2 owners)\n", 2: "input      2 copies, 2 owners; 2 needed\n"} {
		job := jobAt(5, 10)
		job.InputCopies, job.InputOwners, job.InputCopiesNeeded, job.InputOwnersNeeded = 2, owners, 2, 2
		var out strings.Builder
		if err := writeJob(&out, job); err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("want %q in\n%s%v", want, out.String(), err)
		}
		job.State = anthillv1.JobState_JOB_STATE_SUCCEEDED
		out.Reset()
		if err := writeJob(&out, job); err != nil || strings.Contains(out.String(), "input ") {
			t.Errorf("copies are promised that nobody holds any more:\n%s%v", out.String(), err)
		}
	}
	var out strings.Builder
	b := &anthillv1.Blob{Id: "x", Copies: 2, CopiesNeeded: 2, CopyOwners: 1, Claims: []*anthillv1.BlobClaim{{Owner: "sue"}}}
	if err := writeBlobs(&out, []*anthillv1.Blob{b}); err != nil || !strings.Contains(out.String(), "2 of 2, 1 owner ") {
		t.Errorf("%s%v", out.String(), err)
	}
}

// People copy an id from JSON as well: everywhere it is the same text.
func TestJSONHasIDsInHex(t *testing.T) {
	ref := func(b byte) *anthillv1.BlobRef { return &anthillv1.BlobRef{Id: bytes.Repeat([]byte{b}, 32), Size: 5} }
	job := &anthillv1.Job{Id: "j", Spec: &anthillv1.JobSpec{
		Bundle: ref(0xb0), Data: []*anthillv1.DataFile{{Name: "a", Blob: ref(0xda)}, {Name: "b", Blob: &anthillv1.BlobRef{}}},
	}}
	task := &anthillv1.GetTaskResponse{Groups: []*anthillv1.VoteGroup{{Output: ref(0xff)}}}
	var out strings.Builder
	if err := errors.Join(writeJSONLines(&out, []*anthillv1.Job{job}), writeJSON(&out, task)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"id":"` + strings.Repeat("b0", 32) + `"`, `"blob":{"id":"` + strings.Repeat("da", 32) + `"`, `"id":""`, `"id": "` + strings.Repeat("ff", 32) + `"`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %s in %s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "=") {
		t.Errorf("base64 is left in %s", out.String())
	}
}
