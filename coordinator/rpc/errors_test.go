package rpc

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/anthill-grid/anthill/coordinator/desk"
	"github.com/anthill-grid/anthill/coordinator/replica"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/jobs"
)

func details(err error) (reason, subject, next string) {
	for _, d := range status.Convert(err).Details() {
		switch d := d.(type) {
		case *errdetails.ErrorInfo:
			if d.GetDomain() == "anthill" {
				reason, subject = d.GetReason(), d.GetMetadata()["subject"]
			}
		case *errdetails.LocalizedMessage:
			next = d.GetMessage()
		}
	}
	return reason, subject, next
}

func rejection(code jobs.Code) error {
	return &jobs.Rejection{Code: code, Reason: "WHY", Subject: "what", Message: "no", Next: "do this"}
}

func TestStatusOf(t *testing.T) {
	wrap := func(err error) error { return fmt.Errorf("on the way: %w", err) }
	for _, c := range []struct {
		err     error
		code    codes.Code
		reason  string
		hasNext bool
	}{
		{nil, codes.OK, "", false},
		{rejection(jobs.Invalid), codes.InvalidArgument, "WHY", true},
		{rejection(jobs.NotFound), codes.NotFound, "WHY", true},
		{rejection(jobs.Denied), codes.PermissionDenied, "WHY", true},
		{wrap(rejection(jobs.Precondition)), codes.FailedPrecondition, "WHY", true},
		{rejection(jobs.Exhausted), codes.ResourceExhausted, "WHY", true},
		{rejection(99), codes.Internal, "WHY", true},
		{wrap(replica.ErrNotLeader), codes.Unavailable, "NO_LEADER", true},
		{wrap(replica.ErrUnknown), codes.Unavailable, "NO_LEADER", true},
		{wrap(desk.ErrNoLeader), codes.Unavailable, "NO_LEADER", true},
		{wrap(blobstore.ErrFull), codes.ResourceExhausted, "DISK_FULL", true},
		{wrap(context.Canceled), codes.Canceled, "", false},
		{wrap(context.DeadlineExceeded), codes.DeadlineExceeded, "", false},
		{status.Error(codes.Aborted, "as it is"), codes.Aborted, "", false},
		{errors.New("disk on fire"), codes.Internal, "INTERNAL", true},
	} {
		got := statusOf(c.err)
		reason, subject, next := details(got)
		if status.Code(got) != c.code || reason != c.reason || (next != "") != c.hasNext {
			t.Errorf("%v: got %v with reason %q and next step %q, want %v with %q", c.err, got, reason, next, c.code, c.reason)
		}
		if c.reason == "WHY" && (subject != "what" || next != "do this") {
			t.Errorf("%v: subject %q, next step %q", c.err, subject, next)
		}
	}
}

func TestLeaderError(t *testing.T) {
	if err := leaderError("self", status.Error(codes.Unavailable, "connection refused")); !errors.Is(err, desk.ErrNoLeader) {
		t.Errorf("a leader who cannot be reached: %v, want desk.ErrNoLeader", err)
	}
	said := statusOf(rejection(jobs.NotFound))
	if err := leaderError("self", said); err != said {
		t.Errorf("what the leader said became %v", err)
	}
	busy := problem.ToStatus(codes.Unavailable, "later", "BUSY", "", "")
	if err := leaderError("self", busy); err != busy {
		t.Errorf("what the leader said with details became %v", err)
	}
	if err := leaderError("self", shutOut("self", "removed", false)); !errors.Is(err, desk.ErrNoLeader) {
		t.Errorf("a leader who has removed this coordinator: %v, want desk.ErrNoLeader", err)
	}
	if err := leaderError("self", shutOut("w1", "removed", false)); errors.Is(err, desk.ErrNoLeader) {
		t.Error("a worker that was removed is sent to another coordinator")
	}
	if err := leaderError("self", nil); err != nil {
		t.Error(err)
	}
}
