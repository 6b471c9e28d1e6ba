package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/anthill-grid/anthill/coordinator/rescue"
	"github.com/anthill-grid/anthill/sdk"
)

func newBackupCommand() *cobra.Command {
	var path string
	var results bool
	cmd := &cobra.Command{
		Use:   "backup -o FILE",
		Short: "Copy the grid's state into a file, while the grid runs",
		Long: `Copy the grid's state into a file, while the grid runs: jobs, nodes, owners and
what is known of them. With --results also the results, inputs and datasets that the
coordinator has which is asked.

The file holds the key of the grid's authority: whoever reads it can run the grid.
'anthill restore' makes a coordinator from it.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			grid, err := connect(cmd, followPatience)
			if err != nil {
				return err
			}
			defer grid.Close()
			about, size, err := backUp(path, func(w io.Writer) error { return grid.Backup(cmd.Context(), results, w) })
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "%s: grid %s with %d jobs, as of %s, %s\n", path, about.Grid, about.Jobs, about.At.Format("2006-01-02 15:04:05 MST"), sdk.Size(size))
			return nil
		},
	}
	cmd.Flags().StringVarP(&path, "output", "o", "", "the `file` to write (required)")
	cmd.Flags().BoolVar(&results, "results", false, "with results, inputs and datasets")
	if err := cmd.MarkFlagRequired("output"); err != nil {
		panic("cli: the flag that was just made: " + err.Error())
	}
	return cmd
}

// backUp writes a backup beside path, reads it once, and puts it there.
func backUp(path string, write func(io.Writer) error) (about rescue.About, size int64, err error) {
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return about, 0, fmt.Errorf("back up: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(temp.Name()))
		}
	}()
	if err := errors.Join(write(temp), temp.Sync(), temp.Close()); err != nil {
		return about, 0, err
	}
	b, err := rescue.Read(temp.Name())
	if err != nil {
		return about, 0, err
	}
	info, err := os.Stat(temp.Name())
	if err != nil {
		return about, 0, fmt.Errorf("back up: %w", err)
	}
	return b.About, info.Size(), os.Rename(temp.Name(), path)
}

func newRestoreCommand() *cobra.Command {
	var dir, listen string
	cmd := &cobra.Command{
		Use:   "restore FILE --data DIR --listen HOST:PORT",
		Short: "Make a coordinator from a backup, of a grid that is lost",
		Long: `Make a coordinator's data directory from a backup, of a grid that is lost: a new
node, which is the grid's only coordinator when it starts. The coordinators of before
are dismissed: they join again with a token and an empty directory.

What happened after the backup is lost. If the coordinators of before still run, end
them first: otherwise there are two grids of one name. Nodes and contexts find the
new one if it listens where an old one did; others are told by --join HOST:PORT.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			keepPrivate()
			about, err := rescue.Restore(args[0], dir, listen)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "grid %s with %d jobs, as of %s. Start it:\n", about.Grid, about.Jobs, about.At.Format("2006-01-02 15:04:05 MST"))
			fmt.Fprintf(cmd.OutOrStdout(), "anthill coordinator --data %s --listen %s\n", dir, listen)
			return nil
		},
	}
	cmd.Flags().StringVar(&dir, "data", "", "the `directory` to make (required)")
	cmd.Flags().StringVar(&listen, "listen", "", "`HOST:PORT` at which the coordinator will serve (required)")
	_ = cmd.MarkFlagRequired("data")   // the flags exist
	_ = cmd.MarkFlagRequired("listen") //
	return cmd
}
