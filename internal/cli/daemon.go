package cli

import (
	"context"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"
)

// daemon is what the commands that keep running have in common.
type daemon struct {
	verbose    bool
	withParent bool
}

func (d *daemon) flags(cmd *cobra.Command) {
	cmd.Flags().BoolVarP(&d.verbose, "verbose", "v", false, "log everything")
	cmd.Flags().BoolVar(&d.withParent, "with-parent", false, "end when standard input ends")
	_ = cmd.Flags().MarkHidden("with-parent") // the flag exists
}

// logger writes to stderr.
func (d *daemon) logger(w io.Writer) *slog.Logger {
	level := slog.LevelInfo
	if d.verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
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
