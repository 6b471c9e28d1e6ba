package jobs

import "fmt"

// Code classes rejections; coordinator/rpc maps it to a gRPC status code.
type Code uint8

// The classes of rejections.
const (
	Invalid      Code = iota + 1 // the request is wrong in itself
	NotFound                     // what it names is not there
	Denied                       // the caller has no right to it
	Precondition                 // not in this state
	Exhausted                    // a limit that is shared with others is reached
)

// Rejection says why a command changed nothing, and what to do next.
type Rejection struct {
	Code    Code   `cbor:"1,keyasint"`
	Reason  string `cbor:"2,keyasint"` // UPPER_SNAKE, stable, for programs
	Subject string `cbor:"3,keyasint"` // the field or thing it is about
	Message string `cbor:"4,keyasint"`
	Next    string `cbor:"5,keyasint,omitempty"`
}

// Error gives subject and message; the next step is shown apart.
func (r *Rejection) Error() string {
	if r.Subject == "" {
		return r.Message
	}
	return r.Subject + ": " + r.Message
}

func (r *Rejection) next(step string) *Rejection {
	r.Next = step
	return r
}

func reject(code Code, reason, subject, format string, args ...any) *Rejection {
	return &Rejection{Code: code, Reason: reason, Subject: subject, Message: fmt.Sprintf(format, args...)}
}

func invalid(field, format string, args ...any) *Rejection {
	return reject(Invalid, "INVALID_FIELD", field, format, args...)
}

// InvalidField rejects a request for a field that makes no sense.
func InvalidField(field, format string, args ...any) *Rejection {
	return invalid(field, format, args...)
}

// UnknownJob is the rejection of whatever names a job that does not exist.
func UnknownJob(id JobID) *Rejection {
	return reject(NotFound, "UNKNOWN_JOB", "job "+string(id), "no job has this id").
		next("list the grid's jobs with `anthill jobs`")
}
