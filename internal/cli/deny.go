package cli

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/anthill-grid/anthill/internal/denylist"
	"github.com/anthill-grid/anthill/internal/problem"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/sdk"
)

func newDenyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "deny",
		Short: "Keep blobs out of the grid",
		Args:  noSuchCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newDenyListCommand(), newDenyChangeCommand(false), newDenyChangeCommand(true))
	return cmd
}

func newDenyListCommand() *cobra.Command {
	output := formatTable
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the blobs on the grid's deny list",
		Args:  cobra.NoArgs,
		RunE: withGrid(func(cmd *cobra.Command, grid *sdk.Grid, _ []string) error {
			list, err := grid.Denied(cmd.Context())
			if err != nil {
				return err
			}
			return writeList(cmd, output, list, writeDenied)
		}),
	}
	addFormatFlag(cmd, &output)
	return cmd
}

func writeDenied(w io.Writer, list []*anthillv1.Denied) error {
	var rows []table.Row
	for _, d := range list {
		rows = append(rows, table.Row{"//" + d.GetKey(), stamp(d.GetAt()), d.GetReason()})
	}
	return writeTable(w, table.Row{"blob", "since", "reason"}, rows)
}

// newDenyChangeCommand takes blobs on the list or off it.
func newDenyChangeCommand(off bool) *cobra.Command {
	var reason, file string
	cmd := &cobra.Command{
		Use:   "add BLOB...",
		Short: "Take blobs on the grid's deny list",
		Long: `Take blobs on the grid's deny list, each by its id, or by the SHA-256 in hex of its id
as //HASH, so that the list does not tell which it is. With --file, all that a .deny file
denies (the compact format of IPIP-383).

Within seconds they are gone from all coordinators and from the workers whose donors
follow the list, and nobody gets them there; jobs that read one fail, and none can be
submitted. Not even the operators can bring them back from there.`,
		RunE: withGrid(func(cmd *cobra.Command, grid *sdk.Grid, args []string) error {
			keys, err := denyKeys(args, file, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			if err := grid.ChangeDenied(cmd.Context(), keys, off, reason); err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "%d on the grid's deny list: %s\n", len(keys), map[bool]string{false: "they are", true: "they are no longer"}[off])
			return nil
		}),
	}
	if off {
		cmd.Use, cmd.Short, cmd.Long = "rm BLOB...", "Take blobs off the grid's deny list", ""
	}
	addReasonFlag(cmd, &reason)
	cmd.Flags().StringVar(&file, "file", "", "a .deny `file` with blobs")
	return cmd
}

// denyKeys are the keys of blobs that were named, and of those in a file.
func denyKeys(args []string, file string, w io.Writer) (keys []string, err error) {
	for _, rule := range args {
		key, err := denylist.ParseRule(rule)
		if err != nil {
			return nil, problem.Invalid("give the id that `anthill put` printed", "deny: %w", err)
		}
		keys = append(keys, string(key))
	}
	if file != "" {
		more, err := keysOf(file, w)
		if err != nil {
			return nil, err
		}
		keys = append(keys, more...)
	}
	if len(keys) == 0 {
		return nil, problem.Invalid("name a blob, or a file by --file", "deny: there are no blobs")
	}
	return keys, nil
}

func keysOf(path string, w io.Writer) (keys []string, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, problem.Invalid("name a file that can be read", "--file: %w", err)
	}
	defer file.Close()
	list, faults, err := denylist.Parse(file)
	if err != nil {
		return nil, problem.Invalid("correct it", "--file %s: %w", path, err)
	}
	for _, key := range list.Keys() {
		keys = append(keys, string(key))
	}
	var lines []string
	for _, f := range faults {
		lines = append(lines, f.String())
	}
	if len(lines) > 0 {
		fmt.Fprintf(w, "%s: not understood, and left out:\n  %s\n", path, strings.Join(lines, "\n  "))
	}
	return keys, nil
}
