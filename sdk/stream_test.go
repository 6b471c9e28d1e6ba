package sdk

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/anthill-grid/anthill/internal/lab/fakegrid"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

const succeeded = anthillv1.JobState_JOB_STATE_SUCCEEDED

// fail over kills each coordinator in turn and brings it back.
func failOver(t *testing.T, fake *fakegrid.Grid, coordinators int) {
	t.Helper()
	for i := range coordinators {
		fake.Kill(i)
	}
	for i := range coordinators {
		fake.Restart(t, i)
	}
}

func TestWatchGoesOnAfterALostCoordinator(t *testing.T) {
	fake := fakegrid.Start(t, 2)
	grid := connect(t, fake, 10*time.Second)
	fake.AddJob("j", 2)
	fake.Tell("j", "first")
	var events []string
	updates := 0
	for update, err := range grid.Watch(t.Context(), "j") {
		if err != nil {
			t.Fatal(err)
		}
		for _, event := range update.Events {
			events = append(events, event.GetText())
		}
		switch updates++; updates {
		case 1:
			failOver(t, fake, 2)
			fake.Tell("j", "second")
		case 2:
			failOver(t, fake, 2)
			fake.Tell("j", "third")
			fake.Finish("j", succeeded, "")
		}
		if update.Job.GetState() == succeeded && updates < 3 {
			t.Error("finished too early")
		}
	}
	if want := "first second third"; strings.Join(events, " ") != want {
		t.Errorf("events %q, want %q", events, want)
	}
}

func TestWatchErrors(t *testing.T) {
	fake := fakegrid.Start(t, 1)
	grid := connect(t, fake, 200*time.Millisecond)
	last := func() (err error) {
		for _, err = range grid.Watch(t.Context(), "nosuch") {
		}
		return err
	}
	if err := last(); !errors.Is(err, ErrNotFound) {
		t.Errorf("unknown job: %v", err)
	}
	fake.Kill(0)
	if err := last(); !errors.Is(err, ErrUnavailable) {
		t.Errorf("no coordinator: %v", err)
	}
}

// told is a result as SEQUENCE:TASK:BYTES.
func told(t *testing.T, result *Result) string {
	t.Helper()
	data, err := result.Bytes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if int64(result.Fuel) != result.Size {
		t.Errorf("%d bytes took a fuel of %v, want one a byte", result.Size, result.Fuel)
	}
	return fmt.Sprintf("%d:%d:%s", result.Sequence, result.Task, data)
}

func TestProvisionalResultsAcrossLostCoordinators(t *testing.T) {
	fake := fakegrid.Start(t, 2)
	grid := connect(t, fake, 10*time.Second)
	fake.AddJob("j", 5)
	fake.Accept(t, "j", 3, []byte("three"))
	fake.Accept(t, "j", 1, nil)
	var got []string
	for result, err := range grid.ProvisionalResults(t.Context(), "j") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, told(t, result))
		switch len(got) {
		case 2:
			failOver(t, fake, 2)
			fake.Accept(t, "j", 0, []byte("zero"))
		case 3:
			failOver(t, fake, 2)
			fake.Accept(t, "j", 3, []byte("not three"))
			fake.Accept(t, "j", 4, []byte("four"))
			fake.Finish("j", succeeded, "")
		}
	}
	want := []string{"0:3:three", "1:1:", "2:0:zero", "3:3:not three", "4:4:four"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestResultsAreFinal(t *testing.T) {
	fake := fakegrid.Start(t, 2)
	grid := connect(t, fake, 10*time.Second)
	fake.AddJob("j", 3)
	fake.Accept(t, "j", 2, []byte("wrong"))
	fake.Accept(t, "j", 1, []byte("one"))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		time.Sleep(50 * time.Millisecond) // a stream that did not wait would tell of the wrong one
		fake.Accept(t, "j", 2, []byte("two"))
		fake.Accept(t, "j", 0, []byte("zero"))
		fake.Finish("j", succeeded, "")
	}()
	var got []string
	for result, err := range grid.Results(t.Context(), "j") {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, told(t, result)); len(got) == 1 {
			failOver(t, fake, 2)
		}
	}
	<-ended
	if want := []string{"1:1:one", "2:2:two", "3:0:zero"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A stream that waits for the end of a job may be lost more than once, and
// nothing has come in between: the patience is for each loss, not for all.
func TestResultsWaitLongerThanThePatience(t *testing.T) {
	fake := fakegrid.Start(t, 1)
	grid := connect(t, fake, 400*time.Millisecond)
	fake.AddJob("j", 1)
	go func() {
		for range 3 {
			time.Sleep(300 * time.Millisecond)
			failOver(t, fake, 1)
		}
		fake.Accept(t, "j", 0, nil)
		fake.Finish("j", succeeded, "")
	}()
	n := 0
	for _, err := range grid.Results(t.Context(), "j") {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 1 {
		t.Errorf("%d results, want 1", n)
	}
}

func TestLargeResultsAreFetchedFromCoordinators(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	fake := fakegrid.Start(t, 2)
	grid := connect(t, fake, 5*time.Second)
	large := bytes.Repeat([]byte("0123456789abcdef"), 100_000)
	fake.AddJob("j", 2)
	fake.Accept(t, "j", 0, large)
	fake.Accept(t, "j", 1, large)
	fake.Finish("j", succeeded, "")
	n := 0
	for result, err := range grid.Results(t.Context(), "j") {
		if err != nil {
			t.Fatal(err)
		}
		n++
		data, err := result.Bytes(t.Context())
		if err != nil || !bytes.Equal(data, large) {
			t.Fatalf("task %d: %d bytes, %v", result.Task, len(data), err)
		}
		if ok, err := result.Matches(bytes.NewReader(data), int64(len(data))); !ok || err != nil {
			t.Errorf("task %d does not match itself: %v", result.Task, err)
		}
		data[7]++
		if ok, _ := result.Matches(bytes.NewReader(data), int64(len(data))); ok {
			t.Errorf("task %d matches other bytes", result.Task)
		}
	}
	if n != 2 {
		t.Errorf("%d results, want 2", n)
	}
	if err := grid.Close(); err != nil {
		t.Error(err)
	}
	expectNoTemporaries(t)
}

func TestResultThatDoesNotMatchItsHashIsRefused(t *testing.T) {
	g := &Grid{}
	msg := &anthillv1.StreamResultsResponse{Task: 7, Output: &anthillv1.BlobRef{Id: make([]byte, 32), Size: 2}, Data: []byte("no")}
	if _, err := g.result(msg); err == nil || !strings.Contains(err.Error(), "task 7: the bytes do not match") {
		t.Errorf("got %v", err)
	}
}

func TestLeavingAStreamEarly(t *testing.T) {
	fake := fakegrid.Start(t, 1)
	grid := connect(t, fake, time.Second)
	fake.AddJob("j", 9)
	fake.Accept(t, "j", 0, nil)
	for _, err := range grid.ProvisionalResults(t.Context(), "j") {
		if err != nil {
			t.Fatal(err)
		}
		break
	}
	for range grid.Watch(t.Context(), "j") {
		break
	}
}

func TestStreamsRetryWhatACoordinatorCannotAnswer(t *testing.T) {
	fake := fakegrid.Start(t, 1)
	grid := connect(t, fake, 5*time.Second)
	fake.AddJob("j", 1)
	fake.Finish("j", succeeded, "")
	fake.Fail(status.Error(codes.Unavailable, "no leader"), status.Error(codes.Unavailable, "no leader"))
	for _, err := range grid.Results(t.Context(), "j") {
		t.Fatal(err)
	}
	if n := fake.Calls(); n != 3 {
		t.Errorf("%d calls, want 3", n)
	}
}

func TestShortOfBound(t *testing.T) {
	for _, c := range []struct {
		job  *anthillv1.Job
		want bool
	}{
		{&anthillv1.Job{State: succeeded}, false},
		{&anthillv1.Job{State: succeeded, Short: "start workers of other owners"}, true},
		{&anthillv1.Job{State: anthillv1.JobState_JOB_STATE_RUNNING, Short: "not yet"}, false},
		{nil, false},
	} {
		if got := ShortOfBound(c.job); got != c.want {
			t.Errorf("%v: got %v", c.job, got)
		}
	}
}
