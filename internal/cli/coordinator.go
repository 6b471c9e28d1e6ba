package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/anthill-grid/anthill/coordinator"
	"github.com/anthill-grid/anthill/internal/contexts"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/inside"
	"github.com/anthill-grid/anthill/jobs"
)

func newCoordinatorCommand() *cobra.Command {
	cfg := coordinator.Config{Saboteurs: jobs.DefaultSaboteurs, Relay: 10e6 / 8}
	var token joinToken
	var d daemon
	cmd := &cobra.Command{
		Use:   "coordinator --data DIR --listen HOST:PORT (--bootstrap | --join -)",
		Short: "Run a coordinator: one of the few nodes that keep the grid's state",
		Long: `Run a coordinator: one of the few nodes (one, three or five) that keep the
grid's state in a raft group. The first founds the grid with --bootstrap, and
writes a context with which this user operates it; the others join with a token
for coordinators. Later starts need neither.`,
		Args: cobra.NoArgs,
		PreRunE: func(cmd *cobra.Command, _ []string) error {
			switch given := cmd.Flags().Changed("saboteurs"); {
			case given && !cfg.Bootstrap:
				return errors.New("--saboteurs is for a new grid: use it together with --bootstrap")
			case !given:
				cfg.Saboteurs = 0
			}
			if cfg.Advertise == "" {
				return nil
			}
			return checkAdvertised([]string{cfg.Advertise})
		},
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if !cfg.Bootstrap {
				if cfg.Token, err = token.read(cmd.InOrStdin()); err != nil {
					return err
				}
			}
			return runCoordinator(cmd, cfg, &d)
		},
	}
	cmd.Flags().StringVar(&cfg.Dir, "data", "", "directory for keys, log and results (required)")
	cmd.Flags().StringVar(&cfg.Listen, "listen", "", "HOST:PORT for gRPC and raft, the same at every start (required)")
	cmd.Flags().StringVar(&cfg.Advertise, "advertise", "", `HOST:PORT under which others know this coordinator, where that is not its --listen:
of a cloud, or a port that a router forwards. A name may have several addresses,
which are all tried`)
	cmd.Flags().BoolVar(&cfg.Bootstrap, "bootstrap", false, "found a new grid")
	cmd.Flags().Var((*shareFlag)(&cfg.Saboteurs), "saboteurs", "with --bootstrap: the share of strangers that the grid assumes to be saboteurs; it cannot be changed later")
	cmd.Flags().StringVar(&cfg.PublicPage, "public-page", "", `HOST:PORT at which everybody may see, over plain HTTP, how many workers, owners, jobs
and results the grid has, and nothing else of them (default nowhere)`)
	relayFlag(cmd, &cfg.Relay)
	cmd.Flags().DurationVar(&cfg.ReplaceAfter, "replace-after", coordinator.ReplaceAfter, "for how long a voter is silent until a spare coordinator takes its place; the same on all")
	token.flags(cmd)
	cmd.MarkFlagsMutuallyExclusive("bootstrap", "join")
	cmd.MarkFlagsMutuallyExclusive("bootstrap", "join-file")
	_ = cmd.MarkFlagRequired("data")   // the flags exist
	_ = cmd.MarkFlagRequired("listen") //
	d.flags(cmd)
	cmd.AddCommand(newRecoverCommand(), newOrphanedResultsCommand(), connecting(newCoordinatorListCommand()), connecting(newTransferCommand()))
	cmd.AddCommand(connecting(newEndCommand(removal{
		use: "rm NODE...", short: "Remove coordinators from the grid", coordinator: true,
		long: `Remove coordinators from the grid: they lose their votes, and what they hold is
copied from the others. One that is alive stops. Its disk keeps a copy of the key
that lets nodes in, which cannot be replaced yet: destroy it. NODE is an id or its
first digits, at least 8.`,
	})))
	return cmd
}

// relayFlag is what a node carries for others.
func relayFlag(cmd *cobra.Command, rate *int64) {
	cmd.Flags().Var((*rateFlag)(rate), "relay", "rate at which to carry bytes between nodes that cannot reach each other")
}

func runCoordinator(cmd *cobra.Command, cfg coordinator.Config, d *daemon) error {
	ctx, cancel := d.context(cmd.Context())
	defer cancel()
	keepPrivate()
	if err := checkPrivate(cfg.Dir); err != nil {
		return err
	}
	cfg.Release = cmd.Root().Version
	var err error
	if cfg.Logger, err = d.logger(cmd.ErrOrStderr()); err != nil {
		return err
	}
	c, err := coordinator.New(ctx, cfg)
	if err != nil {
		return err
	}
	if cfg.Bootstrap && !d.withParent {
		offerContext(cmd.ErrOrStderr(), c.Grid(), coordinator.OperatorDir(cfg.Dir))
	}
	fmt.Fprintf(cmd.OutOrStdout(), "coordinator of grid %s on %s\n", c.Grid(), c.Address())
	about := inside.About{Role: jobs.Coordinator.String(), Node: string(c.Node())}
	return d.watched(ctx, cmd, cfg.Dir, about, c, cfg.Logger, c.Run)
}

// offerContext gives this user a context to operate a grid with, the first time that its
// founder starts. A user without a home has the operator's identity where it is.
func offerContext(w io.Writer, name, operatorDir string) {
	err := writeContext(name, operatorDir)
	if path, abs := filepath.Abs(operatorDir); abs == nil {
		operatorDir = path
	}
	switch {
	case errors.Is(err, fs.ErrExist):
	case err != nil:
		fmt.Fprintf(w, "no context was written: %v\nthe operator's identity is in %s: `anthill nodes --grid %[2]s` shows the grid\n", err, operatorDir)
	default:
		fmt.Fprintf(w, "context %s written: `anthill nodes` shows the grid, `anthill token create --role worker` lets a worker in\n", name)
	}
}

// writeContext copies an operator's identity to this user's contexts, and makes it the
// current one. The error is fs.ErrExist if it is there.
func writeContext(name, operatorDir string) error {
	operator, err := identity.Load(operatorDir)
	if err != nil {
		return err
	}
	dir, err := contexts.Make(name)
	if err != nil {
		return err
	}
	if there, err := identity.Load(dir); err == nil && there.Identity.Node() == operator.Identity.Node() {
		return fs.ErrExist
	}
	if err := operator.Save(dir); err != nil {
		return err
	}
	return contexts.Use(name)
}
