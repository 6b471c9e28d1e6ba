package cli

import (
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/sdk"
)

// safeBuffer may be written while it is read.
type safeBuffer struct {
	mu  sync.Mutex
	all strings.Builder
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all.String()
}

// TestWhatAJobWaitsForIsShownAtOnce in a log or pipe, and what came soon after another
// line is shown without a further update.
func TestWhatAJobWaitsForIsShownAtOnce(t *testing.T) {
	t.Parallel()
	var out safeBuffer
	l := &lines{w: &out}
	defer l.close()
	job := &anthillv1.Job{Id: "j", State: anthillv1.JobState_JOB_STATE_RUNNING, Tasks: &anthillv1.TaskCounts{Total: 5}}
	l.show(job)
	job.Tasks.Done = 1
	l.show(job)
	if s := out.String(); strings.Count(s, "\n") != 1 {
		t.Errorf("two lines at once: %q", s)
	}
	job.Wait = &anthillv1.Wait{Reason: anthillv1.WaitReason_WAIT_REASON_NO_WORKER, Since: timestamppb.New(time.Now().Add(-time.Minute))}
	l.show(job)
	if s := out.String(); !strings.Contains(s, "1/5 done") || !strings.Contains(s, "waiting: no worker is alive (nothing has moved for 1m0s): start one with") {
		t.Errorf("it says %q", s)
	}
	job.Wait, job.Tasks.Done = nil, 2
	l.show(job)
	for end := time.Now().Add(linePause + 3*time.Second); !strings.Contains(out.String(), "2/5 done"); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it says %q", out.String())
		}
	}
}

// TestUploadsSayWhatTheyWaitFor: what an owner's coordinator that left costs, and that it
// is passed over in the end.
func TestUploadsSayWhatTheyWaitFor(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	v := &uploadView{w: &out}
	job := &anthillv1.Job{InputCopies: 1, InputCopiesNeeded: 2, InputOwners: 1, InputOwnersNeeded: 2,
		InputWait: &anthillv1.Wait{Reason: anthillv1.WaitReason_WAIT_REASON_COPIES, Whom: []string{"operator's a", "friend's b"}}}
	v.show(job)
	v.show(job)
	job.InputCopies = 3
	now := time.Now()
	job.InputWait = &anthillv1.Wait{Reason: anthillv1.WaitReason_WAIT_REASON_COPIES_AWAY, Whom: []string{"friend's b"}, Detail: "left",
		Since: timestamppb.New(now.Add(-40 * time.Second)), Until: timestamppb.New(now.Add(20 * time.Second))}
	v.show(job)
	v.show(job)
	notePassedOver(&out, []string{"friend's b, which left at 12:45:00 UTC"})
	notePassedOver(&out, nil)
	want := "1 of 2 copies (with 1 of 2 owners); waiting: the grid is copying it to operator's a and friend's b: leave this connected\n" +
		"3 of 2 copies (with 1 of 2 owners); waiting: a copy is to come to friend's b, which left 40s ago; that is waited for at most 20s more: " +
		"start it again; a coordinator that is away for longer than a minute is not waited for\n" +
		"not waited for: friend's b, which left at 12:45:00 UTC; a copy goes there as soon as that is possible\n"
	if got := out.String(); got != want {
		t.Errorf("it says\n%swant\n%s", got, want)
	}
}

// TestPutSaysWhatItWaitsFor at once, and not again and again.
func TestPutSaysWhatItWaitsFor(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	v := &putView{transferView: newTransferView(&out)}
	p := sdk.PutProgress{Size: 1 << 20, Copies: 2, Needed: 2, Owners: 1, OwnersNeeded: 2, Wait: &anthillv1.Wait{Reason: anthillv1.WaitReason_WAIT_REASON_COPIES}}
	v.show(p)
	if out.Len() > 0 {
		t.Errorf("while it is copied, it says %q", out.String())
	}
	p.Wait = &anthillv1.Wait{Reason: anthillv1.WaitReason_WAIT_REASON_COPIES_FULL, Whom: []string{"friend's b"}}
	v.show(p)
	v.show(p)
	want := "2 of 2 copies (with 1 of 2 owners); waiting: the disk of friend's b is full: make room there; a full disk is not waited for longer than a minute\n"
	if got := out.String(); got != want {
		t.Errorf("it says\n%swant\n%s", got, want)
	}
	v.told = time.Now().Add(-linePause)
	v.show(p)
	if got := out.String(); !strings.HasSuffix(got, "; waiting: the disk of friend's b is full\n") {
		t.Errorf("it says\n%s", got)
	}
}
