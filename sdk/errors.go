package sdk

import "github.com/anthill-grid/anthill/internal/problem"

// The kinds of error that callers tell apart, by errors.Is.
var (
	// ErrInvalid: what was given is wrong: the job file, the module, a token.
	ErrInvalid = problem.ErrInvalid
	// ErrNotFound: the grid knows no such job, or there is no such context.
	ErrNotFound = problem.ErrNotFound
	// ErrUnavailable: no coordinator could be reached for Config.Patience.
	ErrUnavailable = problem.ErrUnavailable
	// ErrRefused: the grid answered and said no.
	ErrRefused = problem.ErrRefused
)

// NextStep says what to do about an error of this package, or "".
func NextStep(err error) string { return problem.Next(err) }
