package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/anthill-grid/anthill/internal/inside"
	"github.com/anthill-grid/anthill/internal/logs"
)

// daemon is what the commands that keep running have in common.
type daemon struct {
	verbose    bool
	withParent bool
	log        logs.Config
	metrics    string
	recent     logs.Recent
}

func (d *daemon) flags(cmd *cobra.Command) {
	cmd.Flags().BoolVarP(&d.verbose, "verbose", "v", false, "log everything, as --log-level debug does")
	cmd.Flags().TextVar(&d.log.Level, "log-level", slog.LevelInfo, "the least that is logged: debug, info, warn or error")
	cmd.Flags().StringVar(&d.log.Format, "log-format", logs.Formats[0], "how it is logged: text, or json with one object a line")
	cmd.Flags().StringVar(&d.metrics, "metrics", "", `HOST:PORT at which Prometheus finds /metrics, and others /healthz and /readyz; :PORT
is for this machine alone, to which /debug/pprof/ answers too (default nowhere)`)
	cmd.Flags().BoolVar(&d.withParent, "with-parent", false, "end when standard input ends")
	cmd.MarkFlagsMutuallyExclusive("verbose", "log-level")
	_ = cmd.Flags().MarkHidden("with-parent") // the flag exists
}

// logger writes to stderr, and keeps the latest lines for who looks inside.
func (d *daemon) logger(w io.Writer) (*slog.Logger, error) {
	if d.verbose {
		d.log.Level = slog.LevelDebug
	}
	l, err := logs.New(io.MultiWriter(&d.recent, w), d.log)
	if err != nil {
		return nil, fmt.Errorf("--log-format: %w", err)
	}
	return l, nil
}

// watched runs a node, and lets operators look inside while it does.
func (d *daemon) watched(ctx context.Context, cmd *cobra.Command, dir string, about inside.About, subject inside.Subject, logger *slog.Logger, run func(context.Context) error) error {
	about.Release, about.Go, about.System = cmd.Root().Version, runtime.Version(), runtime.GOOS+"/"+runtime.GOARCH
	about.Started, about.Flags = time.Now(), flagsOf(cmd)
	doors, err := inside.Open(inside.Config{
		Dir: dir, Address: d.metrics, Subject: subject, About: about, Recent: &d.recent, Logger: logger,
	})
	if err != nil {
		return fmt.Errorf("--metrics: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		if err := doors.Run(ctx); err != nil {
			logger.Warn("nobody can look inside any more", "error", err)
		}
	}()
	defer func() {
		cancel()
		<-closed
	}()
	return run(ctx)
}

// flagsOf are the flags that were given. A token is none of anybody's business.
func flagsOf(cmd *cobra.Command) map[string]string {
	flags := map[string]string{}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if f.Name == "join" {
			flags[f.Name] = "(given)"
			return
		}
		flags[f.Name] = f.Value.String()
	})
	return flags
}

// context ends with the parent's and, for a child of `anthill dev`, when its
// parent process is gone.
func (d *daemon) context(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(parent)
	if d.withParent {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin) // its end is the news
			cancel()
		}()
	}
	return ctx, cancel
}
