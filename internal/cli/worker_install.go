package cli

import (
	"context"
	"fmt"
	"io"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/anthill-grid/anthill/internal/node"
	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/jobs"
	"github.com/anthill-grid/anthill/worker/install"
)

// newInstallCommands keep a worker running without its donor.
func newInstallCommands() []*cobra.Command {
	return []*cobra.Command{newInstallCommand(), newUninstallCommand()}
}

func newInstallCommand() *cobra.Command {
	var token joinToken
	var show bool
	cmd := &cobra.Command{
		Use:   "install --join - [-- FLAGS of the worker]",
		Short: "Have a worker run on this machine from now on",
		Long: `Have a worker run on this machine from now on: as a service (systemd, launchd,
Windows) that starts with the machine, as a user of its own who may do nothing else.
It takes root, or an administrator. --print shows all that it would do. What follows
-- are flags of anthill worker, such as --slots 2 --hours 20:00-08:00.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkWorkerFlags(cmd.Context(), args); err != nil {
				return err
			}
			w := install.On(runtime.GOOS, args...)
			if show {
				w.Print(cmd.OutOrStdout())
				return nil
			}
			secret, err := token.read(cmd.InOrStdin())
			if err != nil {
				return err
			}
			join := func(ctx context.Context, dir string) error {
				_, err := node.Open(ctx, node.Config{Dir: dir, Role: jobs.Worker, Token: secret})
				return err
			}
			if err := w.Install(cmd.Context(), join, cmd.ErrOrStderr()); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "a worker runs here from now on: anthill worker status --data %s\n", w.Dir)
			return nil
		},
	}
	token.flags(cmd)
	cmd.Flags().BoolVar(&show, "print", false, "show what would be done, and the service's file, and do nothing")
	return cmd
}

// checkWorkerFlags says what is wrong with what the service would be started with.
func checkWorkerFlags(ctx context.Context, args []string) error {
	const here = "."
	probe := newWorkerCommand()
	probe.ResetCommands()
	probe.SilenceErrors, probe.SilenceUsage = true, true
	probe.RunE = func(*cobra.Command, []string) error { return nil }
	probe.SetOut(io.Discard)
	probe.SetArgs(append([]string{"--data", here}, args...))
	if err := probe.ExecuteContext(ctx); err != nil {
		return err
	}
	for _, flag := range []string{"data", "join", "join-file"} {
		if f := probe.Flag(flag); f.Value.String() != f.DefValue && f.Value.String() != here {
			return problem.Invalid("leave it out: the service has its own directory, and needs the token only now, before --", "--%s behind --", flag)
		}
	}
	return nil
}

func newUninstallCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "uninstall",
		Short: "Remove the worker that install made, its keys and all its data",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return install.On(runtime.GOOS).Uninstall(cmd.ErrOrStderr())
		},
	}
}
