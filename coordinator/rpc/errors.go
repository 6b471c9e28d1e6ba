package rpc

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/anthill-grid/anthill/coordinator/desk"
	"github.com/anthill-grid/anthill/coordinator/replica"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/jobs"
)

// leaderError is what a call to the leader by a coordinator failed with: where the leader
// could not be reached, or this coordinator is not one any more, the caller's next step is
// that of desk.ErrNoLeader: it asks another.
func leaderError(self jobs.NodeID, err error) error {
	if subject, ended := problem.Subject(err, reasonEnded); ended && subject == string(self) {
		return fmt.Errorf("%w: this coordinator was removed from the grid", desk.ErrNoLeader)
	}
	if st, ok := status.FromError(err); ok && st.Code() == codes.Unavailable && len(st.Details()) == 0 {
		return fmt.Errorf("%w: it does not answer: %s", desk.ErrNoLeader, st.Message())
	}
	return err
}

// statusOf makes a gRPC status of the error of any call that this package answers; the
// functions at the end of this file make those that are statuses from the start. The
// details are an ErrorInfo with a stable reason and, where there is one, the next step
// as a LocalizedMessage. Only PieceService has statuses of its own, since workers and
// submitters answer it too: they are in internal/swarm/server.go.
func statusOf(err error) error {
	var r *jobs.Rejection
	switch {
	case err == nil:
		return nil
	case errors.As(err, &r):
		return problem.ToStatus(codeOf(r.Code), r.Error(), r.Reason, r.Subject, r.Next)
	case errors.Is(err, replica.ErrNotLeader), errors.Is(err, replica.ErrUnknown), errors.Is(err, desk.ErrNoLeader):
		return problem.ToStatus(codes.Unavailable, err.Error(), "NO_LEADER", "", "try again: a leader is elected within seconds while most coordinators are up")
	case errors.Is(err, blobstore.ErrFull):
		return problem.ToStatus(codes.ResourceExhausted, "no room on the leader's disk: "+err.Error(), "DISK_FULL", "",
			"wait until other jobs are finished, drop what is not needed (`anthill blobs`), or ask the grid's operator for more disk")
	case errors.Is(err, context.Canceled):
		return status.Error(codes.Canceled, err.Error())
	case errors.Is(err, context.DeadlineExceeded):
		return status.Error(codes.DeadlineExceeded, err.Error())
	}
	if _, ok := status.FromError(err); ok {
		return err
	}
	return problem.ToStatus(codes.Internal, err.Error(), "INTERNAL", "", "look into the coordinator's log")
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

// unknownCaller refuses a call from nobody that this grid knows.
func unknownCaller(message, method string) error {
	return problem.ToStatus(codes.Unauthenticated, message, "NO_CERTIFICATE", method, "join the grid with a token first")
}

// tooOld refuses what not all voters could follow.
func tooOld() error {
	return problem.ToStatus(codes.FailedPrecondition, "some of the grid's coordinators are too old for this", "TOO_OLD", "", "upgrade the grid's coordinators")
}

// badForward refuses a call that a coordinator sends on and that does not say for whom:
// it must never be taken for the coordinator's own.
func badForward(coordinator jobs.NodeID) error {
	return problem.ToStatus(codes.Unauthenticated, "forwarded call: it does not say for whom", "BAD_FORWARD", string(coordinator),
		"run the same version on all coordinators")
}

// reasonEnded is of a node that was removed from the grid.
const reasonEnded = "NODE_ENDED"

// notAVoter refuses to have lead who has no vote.
func notAVoter(id jobs.NodeID) error {
	return problem.ToStatus(codes.FailedPrecondition, "node "+id.Short()+": it does not vote, so it cannot lead", "NOT_A_VOTER", string(id), "see 'anthill coordinator list'")
}

// notTransferred says that leadership stays where it is.
func notTransferred(err error) error {
	return problem.ToStatus(codes.FailedPrecondition, "transfer leadership: "+err.Error(), "NOT_TRANSFERRED", "", "see 'anthill coordinator list': another voter must be there and up to date")
}

// shutOut refuses a node that was ended, or whose owner is banned.
func shutOut(id jobs.NodeID, why string, banned bool) error {
	reason := reasonEnded
	if banned {
		reason = "OWNER_BANNED"
	}
	return problem.ToStatus(codes.PermissionDenied, "node "+id.Short()+": "+why, reason, string(id), "ask an operator of the grid")
}

// nodeUnknown refuses a node with a certificate of the grid of which the grid knows
// nothing any more.
func nodeUnknown(id jobs.NodeID) error {
	return problem.ToStatus(codes.PermissionDenied, "node "+id.Short()+": the grid does not know it any more", "NODE_UNKNOWN", string(id), "join the grid again with a new token, in a fresh data directory")
}

// wrongRole refuses a method to a role, and tells which roles may call it.
func wrongRole(method string, role jobs.Role, allowed []jobs.Role) error {
	names := make([]string, len(allowed))
	for i, r := range allowed {
		names[i] = r.String()
	}
	return problem.ToStatus(codes.PermissionDenied, method+": a "+role.String()+" may not call this", "WRONG_ROLE", method,
		"use the certificate of a "+strings.Join(names, " or "))
}

// resultMissing ends the results of a finished job at a task whose result is not here.
func resultMissing(id jobs.JobID, task jobs.Index) error {
	return problem.ToStatus(codes.Unavailable, fmt.Sprintf("job %s: the result of task %d is not here", id, task), "RESULT_MISSING", "",
		"ask another coordinator; if none has it, the job ended before it was copied from the workers")
}

func tooManyCalls(id jobs.NodeID) error {
	return problem.ToStatus(codes.ResourceExhausted, fmt.Sprintf("node %s: %d of its calls are under way already", id.Short(), maxInFlight), "TOO_MANY_CALLS", string(id),
		"wait until some of them are answered")
}

func tooManyBytes(id jobs.NodeID) error {
	return problem.ToStatus(codes.ResourceExhausted, fmt.Sprintf("node %s: its calls under way have %d MiB already", id.Short(), maxBurden>>20), "TOO_MANY_BYTES", string(id),
		"wait until some of them are answered")
}

// sessionReplaced ends a session when the node has begun another.
func sessionReplaced(id jobs.NodeID) error {
	return problem.ToStatus(codes.Aborted, "node "+id.Short()+": it has begun another session here", "SESSION_REPLACED", string(id),
		"if it did not, another process uses a copy of its data directory: give each a directory of its own")
}

func noSession(id jobs.NodeID) error {
	return problem.ToStatus(codes.FailedPrecondition, "node "+id.Short()+": it has no session with this coordinator", "NO_SESSION", string(id),
		"ask the coordinator with which it has one")
}

func notAttending(id jobs.NodeID) error {
	return problem.ToStatus(codes.NotFound, "node "+id.Short()+": it has a session with no coordinator that answers", "NOT_ATTENDING", string(id), "")
}

func signalsFull(id jobs.NodeID) error {
	return problem.ToStatus(codes.ResourceExhausted, "node "+id.Short()+": it has not taken the signals before this one", "SIGNALS_FULL", string(id), "try again")
}

func tooManySignals(id jobs.NodeID) error {
	return problem.ToStatus(codes.ResourceExhausted, fmt.Sprintf("node %s: more than %d signals a second", id.Short(), signalRate), "TOO_MANY_SIGNALS", string(id), "try again")
}

// tooFast refuses a call that comes long before its time, see paces.
func tooFast(id jobs.NodeID, method string) error {
	p := paces[method]
	return problem.ToStatus(codes.ResourceExhausted, fmt.Sprintf("node %s: more than %d calls of %s at once, and %.0f a second", id.Short(), p.burst, method, float64(p.each)),
		problem.TooFast, string(id), "wait some seconds and try again")
}

func tooManyWatches(id jobs.NodeID) error {
	return problem.ToStatus(codes.ResourceExhausted, fmt.Sprintf("node %s: it follows %d jobs at a time already", id.Short(), maxWatches), "TOO_MANY_WATCHES", string(id),
		"stop following some of them")
}

func resultsGone(id jobs.JobID) error {
	return problem.ToStatus(codes.FailedPrecondition, "job "+string(id)+": its results are gone", "RESULTS_GONE", string(id),
		"they go when a job is cancelled or removed; submit it again")
}
