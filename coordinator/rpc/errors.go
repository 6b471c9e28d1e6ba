package rpc

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/anthill-grid/anthill/coordinator/replica"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/jobs"
)

// ErrNoLeader: no coordinator leads at the moment, or this one ceased to.
var ErrNoLeader = errors.New("the coordinators have no leader at the moment")

// leaderError is what a call to the leader failed with: where he could not be
// reached, the caller's next step is that of ErrNoLeader.
func leaderError(err error) error {
	if st, ok := status.FromError(err); ok && st.Code() == codes.Unavailable && len(st.Details()) == 0 {
		return fmt.Errorf("%w: it does not answer: %s", ErrNoLeader, st.Message())
	}
	return err
}

// statusOf is the one place where errors become gRPC statuses. The details are
// an ErrorInfo with a stable reason and, where there is one, the next step as
// a LocalizedMessage.
func statusOf(err error) error {
	var r *jobs.Rejection
	switch {
	case err == nil:
		return nil
	case errors.As(err, &r):
		return newStatus(codeOf(r.Code), r.Error(), r.Reason, r.Subject, r.Next)
	case errors.Is(err, replica.ErrNotLeader), errors.Is(err, replica.ErrUnknown), errors.Is(err, ErrNoLeader):
		return newStatus(codes.Unavailable, err.Error(), "NO_LEADER", "", "try again: a leader is elected within seconds while most coordinators are up")
	case errors.Is(err, blobstore.ErrFull):
		return newStatus(codes.ResourceExhausted, "no room on the leader's disk: "+err.Error(), "DISK_FULL", "",
			"wait until other jobs are finished, drop what is not needed (`anthill blobs`), or ask the grid's operator for more disk")
	case errors.Is(err, context.Canceled):
		return status.Error(codes.Canceled, err.Error())
	case errors.Is(err, context.DeadlineExceeded):
		return status.Error(codes.DeadlineExceeded, err.Error())
	}
	if _, ok := status.FromError(err); ok {
		return err
	}
	return newStatus(codes.Internal, err.Error(), "INTERNAL", "", "look into the coordinator's log")
}

func codeOf(c jobs.Code) codes.Code {
	switch c {
	case jobs.Invalid:
		return codes.InvalidArgument
	case jobs.NotFound:
		return codes.NotFound
	case jobs.Denied:
		return codes.PermissionDenied
	case jobs.Precondition:
		return codes.FailedPrecondition
	case jobs.Exhausted:
		return codes.ResourceExhausted
	}
	return codes.Internal
}

func newStatus(code codes.Code, message, reason, subject, next string) error {
	info := &errdetails.ErrorInfo{Reason: reason, Domain: "anthill"}
	if subject != "" {
		info.Metadata = map[string]string{"subject": subject}
	}
	st, err := status.New(code, message).WithDetails(info)
	if err == nil && next != "" {
		st, err = st.WithDetails(&errdetails.LocalizedMessage{Locale: "en", Message: next})
	}
	if err != nil { // details of known messages always encode
		return status.Error(code, message)
	}
	return st.Err()
}
