package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/anthill-grid/anthill/internal/problem"
)

// The exit codes, which scripts may rely on.
const (
	exitOK          = 0
	exitFailed      = 1   // the job failed, or anything else did
	exitUsage       = 2   // bad flags, job file, module or token
	exitNotFound    = 3   // no such job or context
	exitUnavailable = 4   // no coordinator could be reached
	exitShort       = 5   // all results are there, but more of them may be wrong than was asked for
	exitInterrupted = 130 // ended by an interrupt, as in shells
	exitPipe        = 141 // stdout was closed by its reader, as in shells
)

// errShort is of a job that finished with a bound above its max_error.
var errShort = errors.New("short of its max error")

// errPipe is of a command whose stdout was closed by its reader.
var errPipe = errors.New("stdout was closed")

func exitCode(err error) int {
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.Is(err, errPipe):
		return exitPipe
	case errors.Is(err, problem.ErrInvalid):
		return exitUsage
	case errors.Is(err, problem.ErrNotFound):
		return exitNotFound
	case errors.Is(err, problem.ErrUnavailable):
		return exitUnavailable
	case errors.Is(err, errShort):
		return exitShort
	}
	return exitFailed
}

// report prints an error, what to do next, and gives the exit code.
func report(w io.Writer, err error) int {
	if err == nil {
		return exitOK
	}
	// Errors of gRPC that nothing else made readable are made so here.
	err = problem.FromStatus(err)
	code := exitCode(err)
	if code == exitPipe {
		return code // quietly, as other tools
	}
	if code == exitInterrupted {
		fmt.Fprintln(w, "anthill: interrupted")
		return code
	}
	fmt.Fprintf(w, "anthill: %v\n", err)
	if next := problem.Next(err); next != "" {
		fmt.Fprintln(w, next)
	}
	return code
}

// usageError is about how a command was called.
func usageError(cmd *cobra.Command, err error) error {
	if problem.Next(err) != "" {
		return err
	}
	return problem.Invalid(fmt.Sprintf("see '%s --help'", cmd.CommandPath()), "%s: %w", cmd.Name(), err)
}
