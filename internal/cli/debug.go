package cli

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/anthill-grid/anthill/internal/inside"
	"github.com/anthill-grid/anthill/sdk"
)

func newDebugCommand() *cobra.Command {
	var dir, path string
	cmd := &cobra.Command{
		Use:   "debug --data DIR -o FILE",
		Short: "Collect what is to be seen of a coordinator or worker that runs here, for who is to help",
		Long: `Collect what is to be seen of a coordinator or worker that runs on this machine: its
metrics, the latest lines of its log, its goroutines and profiles, its version and
flags, whether it is ready, and what a coordinator knows of the others. FILE is a
.tar.gz. No keys, tokens, inputs or results are in it; addresses and the names of
owners and jobs are.

Only the user may ask who runs the process. One that hangs is asked for each thing for
ten seconds, and what it does not tell is left out.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c := inside.NewClient(dir)
			defer c.Close()
			if path == "-" {
				return c.WriteBundle(cmd.Context(), cmd.OutOrStdout(), time.Now())
			}
			f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
			if err != nil {
				return fmt.Errorf("debug: %w", err)
			}
			err = errors.Join(c.WriteBundle(cmd.Context(), f, time.Now()), f.Sync(), f.Close())
			if err != nil {
				return errors.Join(err, os.Remove(path))
			}
			info, err := os.Stat(path)
			if err != nil {
				return fmt.Errorf("debug: %w", err)
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s\n", path, sdk.Size(info.Size()))
			return nil
		},
	}
	cmd.Flags().StringVar(&dir, "data", "", "the `directory` of the coordinator or worker (required)")
	cmd.Flags().StringVarP(&path, "output", "o", "", "the `file` to write, or - for stdout (required)")
	_ = cmd.MarkFlagRequired("data")   // the flags exist
	_ = cmd.MarkFlagRequired("output") //
	return cmd
}
