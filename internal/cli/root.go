// Package cli is the anthill command. Data goes to stdout and may be piped;
// progress, hints and errors go to stderr. Client commands reach a grid through
// package sdk only.
package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/experimental"
	"google.golang.org/grpc/mem"

	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/sdk"
)

const (
	// askPatience is for commands that ask one question.
	askPatience = 5 * time.Second
	// followPatience is for commands that live through a failover.
	followPatience = 15 * time.Second
)

// Main runs the command line of this process and returns the exit code. The
// first interrupt asks the command to end, a second one ends it.
func Main(version string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	poolMessages()
	return run(ctx, version, os.Args[1:], os.Stdout, os.Stderr)
}

// poolMessages gives gRPC buffers that suit small blobs and the frames of 64 KiB in which
// older nodes send pieces. By itself it has none between 32 KiB and 1 MiB, and clears all
// of the megabyte for each message.
func poolMessages() {
	pool, err := mem.NewBinaryTieredBufferPool(8, 12, 14, 15, 17, 20) // powers of two
	if err != nil {
		panic("cli: pool of message buffers: " + err.Error())
	}
	experimental.SetDefaultBufferPool(pool)
}

func run(ctx context.Context, version string, args []string, stdout, stderr io.Writer) int {
	root := newRootCommand()
	root.Version = version
	root.SetArgs(args)
	out, errOut := newConsole(stdout), newConsole(stderr)
	root.SetOut(out)
	root.SetErr(errOut)
	started := false
	markStart(root, &started)
	cmd, err := root.ExecuteContextC(ctx)
	if err != nil && !started {
		err = usageError(cmd, err)
	}
	return report(errOut, err)
}

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "anthill",
		Short: "A volunteer compute grid with no server to own",
		Long: `A volunteer compute grid with no server to own.

Exit codes: 0 done, 1 the job failed (or anything else did), 2 bad input, 3 not
found, 4 no coordinator can be reached, 5 the job ended with all results, but
short of the max_error that was asked for, 130 interrupted, 141 stdout was closed.`,
		Args: noSuchCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		// report prints errors, and points at --help.
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.AddCommand(
		newTaskCommand(),
		connecting(servingFlags(newSubmitCommand())),
		connecting(newRunCommand()),
		connecting(newJobsCommand()),
		connecting(newStatusCommand()),
		connecting(newResultsCommand()),
		connecting(newCancelCommand()),
		connecting(servingFlags(newServeCommand())),
		connecting(servingFlags(newPutCommand())),
		connecting(newGetCommand()),
		connecting(newBlobsCommand()),
		connecting(newDatasetCommand()),
		connecting(newRuntimeCommand()),
		connecting(newAPICommand()),
		connecting(newNodesCommand()),
		connecting(newDoctorCommand()),
		connecting(newNodeCommand()),
		connecting(newOwnerCommand()),
		connecting(newAccountCommand()),
		connecting(newTokenCommand()),
		connecting(newLogsCommand()),
		connecting(newUICommand()),
		connecting(newBackupCommand()),
		newRestoreCommand(),
		connecting(newLogCommand()),
		connecting(newDenyCommand()),
		newJoinCommand(),
		newCoordinatorCommand(),
		newWorkerCommand(),
		newDebugCommand(),
		newDevCommand(),
		newDemoCommand(),
		newSimCommand(),
		newSandboxChildCommand(),
	)
	return root
}

// noSuchCommand is the Args of commands that only group others.
func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	next := fmt.Sprintf("see '%s --help'", cmd.CommandPath())
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		next = "did you mean " + strings.Join(near, " or ") + "?"
	}
	return problem.Invalid(next, "unknown command %q", args[0])
}

// markStart notes when a command itself begins to run: errors before that are
// about how it was called.
func markStart(cmd *cobra.Command, started *bool) {
	if inner := cmd.RunE; inner != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			*started = true
			return inner(cmd, args)
		}
	}
	for _, sub := range cmd.Commands() {
		markStart(sub, started)
	}
}

// connecting gives a command, and those below it, the flags that connect reads. Other
// commands do not have them: they would accept the name of a grid that does not exist.
func connecting(cmd *cobra.Command) *cobra.Command {
	cmd.PersistentFlags().String("grid", "", "the grid: a context's `name`, or the path of an identity directory (default $ANTHILL_GRID, or the current context)")
	cmd.PersistentFlags().Duration("patience", 0, "how long to try when no coordinator answers (default 5s; 15s for commands that follow a job or move data)")
	return cmd
}

// connect opens the grid that --grid says, or the current one.
func connect(cmd *cobra.Command, patience time.Duration) (*sdk.Grid, error) {
	grid, err := cmd.Flags().GetString("grid")
	if err != nil {
		return nil, err
	}
	given, err := cmd.Flags().GetDuration("patience")
	if err != nil {
		return nil, err
	}
	if given < 0 {
		return nil, problem.Invalid("write it like 30s or 5m", "--patience %v: less than 0", given)
	}
	if given > 0 {
		patience = given
	}
	advertise, err := advertised(cmd)
	if err != nil {
		return nil, err
	}
	return sdk.Connect(cmd.Context(), sdk.Config{Grid: grid, Patience: patience, Advertise: advertise, PortMapping: maySeekPort(cmd), Waiting: tellWaiting(cmd)})
}

// tellWaiting shows what a command waits for.
func tellWaiting(cmd *cobra.Command) func(text string) {
	return func(text string) { fmt.Fprintln(cmd.ErrOrStderr(), text) }
}
