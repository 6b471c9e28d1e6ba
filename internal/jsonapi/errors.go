package jsonapi

import (
	"context"
	"errors"
	"net/http"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// httpCodes are how gRPC's codes are told by HTTP's.
var httpCodes = map[codes.Code]int{
	codes.InvalidArgument: http.StatusBadRequest, codes.OutOfRange: http.StatusBadRequest, codes.FailedPrecondition: http.StatusBadRequest,
	codes.Unauthenticated: http.StatusUnauthorized, codes.PermissionDenied: http.StatusForbidden, codes.NotFound: http.StatusNotFound,
	codes.AlreadyExists: http.StatusConflict, codes.Aborted: http.StatusConflict, codes.ResourceExhausted: http.StatusTooManyRequests,
	codes.Canceled: 499, codes.Unimplemented: http.StatusNotImplemented, codes.Unavailable: http.StatusServiceUnavailable,
	codes.DeadlineExceeded: http.StatusGatewayTimeout,
}

// writeError answers with a google.rpc.Status.
func writeError(w http.ResponseWriter, err error) {
	code := httpCodes[statusOf(err).Code()]
	if code == 0 {
		code = http.StatusInternalServerError
	}
	writeBody(w, code, errorBody(err))
}

func errorBody(err error) []byte {
	line, failed := Marshal(statusOf(err).Proto())
	if failed != nil { // a detail of a type that this binary does not know
		line, failed = Marshal(status.New(statusOf(err).Code(), statusOf(err).Message()).Proto())
	}
	if failed != nil {
		return []byte(`{"code":13,"message":"an error that cannot be written","details":[]}`)
	}
	return line
}

func statusOf(err error) *status.Status {
	if errors.Is(err, context.DeadlineExceeded) {
		return status.New(codes.DeadlineExceeded, "no coordinator answered in time")
	}
	if st, ok := status.FromError(err); ok {
		return st
	}
	return status.New(codes.Internal, err.Error())
}

// WriteError answers a request as a call of the API that failed.
func WriteError(w http.ResponseWriter, err error) { writeError(w, err) }
