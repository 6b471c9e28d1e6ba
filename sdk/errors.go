package sdk

import "github.com/anthill-grid/anthill/internal/problem"

// The kinds of error that callers tell apart, by errors.Is. Whatever asks the
// grid may return ErrUnavailable, and ErrRefused if this identity's role does not
// allow the call; what else a call returns, it says itself. Once the context has
// ended, errors wrap the context's. Failures of this machine, such as a full disk,
// have no kind.
var (
	// ErrInvalid: what was given is wrong: the job file, the module, a token.
	ErrInvalid = problem.ErrInvalid
	// ErrNotFound: the grid knows no such job or blob, or there is no such context.
	ErrNotFound = problem.ErrNotFound
	// ErrUnavailable: no coordinator could be reached for Config.Patience.
	ErrUnavailable = problem.ErrUnavailable
	// ErrRefused: the grid answered and said no.
	ErrRefused = problem.ErrRefused
)

// NextStep says what to do about an error of this package; "" if that is not known.
func NextStep(err error) string { return problem.Next(err) }
