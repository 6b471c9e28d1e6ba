// Package problem is for errors that people read: what went wrong, of which
// kind it is (which decides the exit code) and what to do next. It also makes the gRPC
// statuses by which the grid's services say such a thing, and turns them into such
// errors again, so that nobody sees "rpc error: code =".
package problem

import (
	"errors"
	"fmt"
)

// The kinds of problem that callers tell apart, by errors.Is.
var (
	// ErrInvalid: the input is wrong: a job file, a module, a flag, a token.
	ErrInvalid = errors.New("bad input")
	// ErrNotFound: there is no such job, context or file in the grid.
	ErrNotFound = errors.New("not found")
	// ErrUnavailable: no coordinator could be reached in time.
	ErrUnavailable = errors.New("unavailable")
	// ErrRefused: the grid answered and said no.
	ErrRefused = errors.New("refused")
)

// Problem is an error with a kind and a next step.
type Problem struct {
	// Kind is one of the sentinel errors of this package, or nil.
	Kind error
	// Message says what went wrong, in the form "operation subject: cause".
	Message string
	// Next says what to do about it; it may be empty.
	Next string
	// Cause is what lies behind, for errors.Is and errors.As; it may be nil.
	Cause error
}

func (p *Problem) Error() string { return p.Message }

// Unwrap gives the kind and the cause.
func (p *Problem) Unwrap() []error {
	var errs []error
	if p.Kind != nil {
		errs = append(errs, p.Kind)
	}
	if p.Cause != nil {
		errs = append(errs, p.Cause)
	}
	return errs
}

// Invalid is a problem with what the caller gave. The message is made as by
// fmt.Errorf, including %w.
func Invalid(next, format string, args ...any) error {
	return build(ErrInvalid, next, format, args...)
}

// NotFound is a problem with a name that nothing has.
func NotFound(next, format string, args ...any) error {
	return build(ErrNotFound, next, format, args...)
}

// Unavailable is a problem of reaching the grid.
func Unavailable(next, format string, args ...any) error {
	return build(ErrUnavailable, next, format, args...)
}

func build(kind error, next, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	return &Problem{Kind: kind, Message: err.Error(), Next: next, Cause: err}
}

// Next is the next step that the first problem in err's tree with one
// suggests, or "".
func Next(err error) string {
	for err != nil {
		var p *Problem
		if !errors.As(err, &p) {
			return ""
		}
		if p.Next != "" {
			return p.Next
		}
		err = p.Cause
	}
	return ""
}
