package problem

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// FromStatus makes a gRPC status error readable: its message is the status's
// message alone, its kind follows from the code, and its next step is the
// LocalizedMessage among the details. Other errors come back as they are. The
// status stays reachable by status.FromError and status.Code.
func FromStatus(err error) error {
	if err == nil || errors.As(err, new(*Problem)) {
		return err
	}
	st, ok := status.FromError(err)
	if !ok {
		return err
	}
	switch st.Code() {
	case codes.Canceled:
		return &Problem{Message: "cancelled", Cause: errors.Join(context.Canceled, err)}
	case codes.DeadlineExceeded:
		return &Problem{Kind: ErrUnavailable, Message: "no answer in time", Next: localized(st), Cause: err}
	}
	return &Problem{Kind: kindOf(st.Code()), Message: message(st), Next: localized(st), Cause: err}
}

// ToStatus makes what FromStatus reads: a gRPC status with a stable reason, the thing
// that it is about and the next step, of which the last two may be empty.
func ToStatus(code codes.Code, message, reason, subject, next string) error {
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

// Subject is what a status with a reason, see ToStatus, is about. false: the error is not
// one for that reason.
func Subject(err error, reason string) (subject string, ok bool) {
	st, _ := status.FromError(err)
	for _, d := range st.Details() {
		if info, is := d.(*errdetails.ErrorInfo); is && info.GetReason() == reason {
			return info.GetMetadata()["subject"], true
		}
	}
	return "", false
}

func kindOf(code codes.Code) error {
	switch code {
	case codes.InvalidArgument, codes.OutOfRange:
		return ErrInvalid
	case codes.NotFound:
		return ErrNotFound
	case codes.Unavailable:
		return ErrUnavailable
	case codes.PermissionDenied, codes.Unauthenticated, codes.FailedPrecondition, codes.AlreadyExists, codes.ResourceExhausted:
		return ErrRefused
	}
	return nil
}

func localized(st *status.Status) string {
	for _, detail := range st.Details() {
		if m, ok := detail.(*errdetails.LocalizedMessage); ok {
			return m.GetMessage()
		}
	}
	return ""
}

// message is the status's text without gRPC's own wrapping of what happened
// to a connection.
func message(st *status.Status) string {
	text := st.Message()
	if text == "" {
		return strings.ToLower(st.Code().String())
	}
	if st.Code() != codes.Unavailable {
		return text
	}
	if _, quoted, ok := strings.Cut(text, "desc = "); ok {
		if inner, err := strconv.QuotedPrefix(strings.TrimSpace(quoted)); err == nil {
			text, _ = strconv.Unquote(inner)
		} else {
			text = quoted
		}
	}
	for _, noise := range []string{"transport: Error while dialing: ", "transport: authentication handshake failed: ", "transport: "} {
		text = strings.ReplaceAll(text, noise, "")
	}
	return text
}

// TooFast is the reason of calls that came too soon after others of the same node, and
// may be tried again.
const TooFast = "TOO_FAST"

// Reason is the stable reason of a gRPC status; "" if it has none.
func Reason(err error) string {
	st, ok := status.FromError(err)
	if !ok {
		return ""
	}
	for _, d := range st.Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok && info.GetDomain() == "anthill" {
			return info.GetReason()
		}
	}
	return ""
}
