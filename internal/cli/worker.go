package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/anthill-grid/anthill/internal/inside"
	"github.com/anthill-grid/anthill/internal/throttle"
	"github.com/anthill-grid/anthill/jobs"
	"github.com/anthill-grid/anthill/sdk"
	"github.com/anthill-grid/anthill/worker"
	"github.com/anthill-grid/anthill/worker/install"
	"github.com/anthill-grid/anthill/worker/limits"
	"github.com/anthill-grid/anthill/worker/machine"
	"github.com/anthill-grid/anthill/worker/misbehave"
	"github.com/anthill-grid/anthill/worker/sandbox"
)

// sandboxChild is the hidden command by which a worker starts the processes
// that guests run in.
const sandboxChild = "sandbox-child"

func newWorkerCommand() *cobra.Command {
	cfg := worker.Config{Lent: limits.Default(machine.Capacity())}
	var way string
	var onBattery bool
	var token joinToken
	var d daemon
	cmd := &cobra.Command{
		Use:   "worker --data DIR --join -",
		Short: "Lend this machine's spare time to a grid",
		Long: `Lend this machine's spare time to a grid. Tasks are WASM programs; each runs in
a process of its own at the lowest priority, sees no files and no network, and is
killed at its limits. The token is needed only at the first start.`,
		Args: noSuchCommand,
		PreRunE: func(*cobra.Command, []string) (err error) {
			cfg.Lent.Yield.Battery = !onBattery
			if cfg.Misbehave, err = misbehave.Parse(way); err != nil {
				return err
			}
			if err := checkLent(cfg.Lent); err != nil {
				return err
			}
			return checkAdvertised(cfg.Advertise)
		},
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if cfg.Token, err = token.read(cmd.InOrStdin()); err != nil {
				return err
			}
			return install.Run(cmd.Context(), func(ctx context.Context) error { return runWorker(ctx, cmd, cfg, &d) })
		},
	}
	cmd.Flags().StringVar(&cfg.Dir, "data", "", "directory for keys, blobs and compiled modules (required)")
	cmd.Flags().StringVar(&cfg.Listen, "listen", ":0", "HOST:PORT at which other nodes fetch pieces")
	advertiseFlag(cmd, &cfg.Advertise)
	portMappingFlag(cmd, &cfg.NoPortMapping)
	token.flags(cmd)
	cmd.Flags().IntVar(&cfg.Lent.Slots, "slots", cfg.Lent.Slots, "tasks to run at a time")
	cmd.Flags().Var((*lentFlag)(&cfg.Lent.Disk), "disk", "space for blobs; those not used for longest go first, and a twentieth of the disk or 2GiB stays free")
	cmd.Flags().Var((*lentFlag)(&cfg.Lent.Memory), "memory", "memory that tasks may take together: their limits, their processes, what they read and write (default half of the machine's)")
	cmd.Flags().StringSliceVar(&cfg.Lent.Owners.Only, "only-owners", nil, "`owners` for whose jobs alone to work, such as ann,bob (default everybody)")
	cmd.Flags().StringSliceVar(&cfg.Lent.Owners.Not, "not-owners", nil, "`owners` for whose jobs not to work")
	cmd.Flags().StringVar(&cfg.DenyList, "deny-list", "", "`file` with blobs to keep away from (.deny, the compact format of IPIP-383), read again when it changes")
	cmd.Flags().BoolVar(&cfg.FollowDenyList, "follow-deny-list", true, "keep away from what the grid's operators have put on its deny list")
	cmd.Flags().Var((*rateFlag)(&cfg.Lent.Traffic.Up), "upload", "rate at which other nodes may fetch from here, such as 10mbit, 10Mb/s or 1MiB/s: a small b is a bit, a big B a byte (default no limit)")
	cmd.Flags().Var((*rateFlag)(&cfg.Lent.Traffic.Down), "download", "rate at which to fetch from other nodes (default no limit)")
	cmd.Flags().IntVar(&cfg.Lent.Traffic.Peers, "max-peers", 0, "connections that other nodes may hold at a time (default no limit)")
	cmd.Flags().Var((*lentFlag)(&cfg.Lent.Traffic.Monthly), "monthly", `bytes that other nodes may take of the line in a calendar month, up and down
together, such as 50GB (default no limit). When they are used up, the worker is
paused until the next month, and serves only its results, to coordinators. Calls to
coordinators, some kilobytes a minute, are not counted`)
	yieldFlags(cmd, &cfg.Lent.Yield, &onBattery)
	cmd.Flags().StringVar(&way, "misbehave", "", "lie in this way, to try out whether the grid notices")
	cmd.Flags().Lookup("misbehave").NoOptDefVal = string(misbehave.Half)
	_ = cmd.MarkFlagRequired("data") // the flags exist
	_ = cmd.Flags().MarkHidden("misbehave")
	d.flags(cmd)
	cmd.AddCommand(newWorkerControlCommands()...)
	cmd.AddCommand(newInstallCommands()...)
	return cmd
}

// yieldFlags say when the machine is its donor's alone.
func yieldFlags(cmd *cobra.Command, y *limits.Yield, onBattery *bool) {
	cmd.Flags().BoolVar(onBattery, "on-battery", false, "work also while the machine runs on battery, where that is known (Linux, macOS, Windows)")
	cmd.Flags().Var((*hoursFlag)(&y.Hours), "hours", `times at which to work, by this machine's clock, such as 20:00-08:00 or
"mon-fri 20:00-08:00, sat-sun 00:00-24:00" (default always)`)
	cmd.Flags().BoolVar(&y.WhenIdle, "when-idle", false, `pause when other programs use more than a quarter of the processors for five
seconds, until they have used less for half a minute`)
}

// checkLent says which flag is wrong; Set has checked rates and sizes of the line.
func checkLent(l limits.Lent) error {
	switch {
	case l.Slots < 1 || l.Slots > limits.MaxSlots:
		return fmt.Errorf("--slots %d: want 1 to %d", l.Slots, limits.MaxSlots)
	case l.Disk < limits.MinDisk:
		return fmt.Errorf("--disk %v: want at least %v", sdk.Size(l.Disk), sdk.Size(limits.MinDisk))
	case l.Memory != 0 && l.Memory < limits.MinMemory:
		return fmt.Errorf("--memory %v: want at least %v", sdk.Size(l.Memory), sdk.Size(limits.MinMemory))
	case l.Traffic.Peers < 0:
		return fmt.Errorf("--max-peers %d: want 1 or more, or 0 for no limit", l.Traffic.Peers)
	}
	if err := l.Owners.Validate(); err != nil {
		return fmt.Errorf("--only-owners, --not-owners: %w", err)
	}
	return l.Validate()
}

func runWorker(ctx context.Context, cmd *cobra.Command, cfg worker.Config, d *daemon) error {
	ctx, cancel := d.context(ctx)
	defer cancel()
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("worker: %w", err)
	}
	keepPrivate()
	if err := checkPrivate(cfg.Dir); err != nil {
		return err
	}
	if cfg.Logger, err = d.logger(cmd.ErrOrStderr()); err != nil {
		return err
	}
	cfg.SandboxCommand = []string{exe, sandboxChild}
	w, err := worker.New(ctx, cfg)
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "worker %s of %s in grid %s on %s, %d slots%s\n",
		w.Node().Short(), w.Owner(), w.Grid(), w.Address(), cfg.Lent.Slots, describeTraffic(cfg.Lent.Traffic)+describeYield(cfg.Lent.Yield))
	announceWalls(ctx, cmd.OutOrStdout(), w, cfg.Logger)
	about := inside.About{Role: jobs.Worker.String(), Node: string(w.Node())}
	return d.watched(ctx, cmd, cfg.Dir, about, w, cfg.Logger, w.Run)
}

// announceWalls tells the donor which walls stand between the machine and the
// guests.
func announceWalls(ctx context.Context, out io.Writer, w *worker.Worker, logger *slog.Logger) {
	walls, err := w.Walls(ctx)
	if err != nil {
		logger.Warn("failed to find out which walls the sandbox has", "error", err)
		return
	}
	fmt.Fprintf(out, "sandbox: %v\n%s\n", walls, explainWalls(walls))
}

// describeTraffic says what other nodes may take of the line, if that is limited.
func describeTraffic(l throttle.Limits) string {
	var text string
	if l.Up > 0 {
		text += ", uploads at most " + (*rateFlag)(&l.Up).String()
	}
	if l.Down > 0 {
		text += ", downloads at most " + (*rateFlag)(&l.Down).String()
	}
	if l.Peers > 0 {
		text += fmt.Sprintf(", %d connections from others", l.Peers)
	}
	if l.Monthly > 0 {
		text += ", " + (*sizeFlag)(&l.Monthly).String() + " a month"
	}
	return text
}

func newSandboxChildCommand() *cobra.Command {
	return &cobra.Command{
		Use: sandboxChild, Hidden: true, Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return sandbox.ChildMain(os.Stdin, os.Stdout) },
	}
}
