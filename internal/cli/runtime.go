package cli

import (
	"fmt"
	"io"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/sdk"
)

func newRuntimeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "runtime",
		Short: "Keep interpreters that job files name, such as python",
		Args:  noSuchCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newRuntimeAddCommand(), newRuntimeListCommand(), newRuntimeRmCommand())
	return cmd
}

func newRuntimeAddCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "add NAME FILE.wasm",
		Short: "Give an interpreter to the grid under a name",
		Long: `Give an interpreter to the grid under a name, and print its id on stdout. Job files
then say 'runtime: NAME' and 'script: FILE'. An operator adds it for the whole grid, a
submitter for himself: his own comes before the grid's. A name that is there already
means the new one from now on; jobs under way keep the one that they have.`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			grid, err := connect(cmd, followPatience)
			if err != nil {
				return err
			}
			defer grid.Close()
			view := &putView{transferView: newTransferView(cmd.ErrOrStderr())}
			defer view.close()
			id, err := grid.AddRuntime(cmd.Context(), args[0], args[1], sdk.PutOptions{Begun: view.begun, Progress: view.show})
			if err != nil {
				return err
			}
			view.close()
			fmt.Fprintln(cmd.OutOrStdout(), id)
			fmt.Fprintf(cmd.ErrOrStderr(), "the grid has it: you can disconnect now\nin a job file: runtime: %s\n", args[0])
			return nil
		},
	}
}

func newRuntimeListCommand() *cobra.Command {
	output := formatTable
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the interpreters that your jobs can name",
		Args:  cobra.NoArgs,
		RunE: withGrid(func(cmd *cobra.Command, grid *sdk.Grid, _ []string) error {
			list, err := grid.Runtimes(cmd.Context())
			if err != nil {
				return err
			}
			return writeList(cmd, output, list, writeRuntimes)
		}),
	}
	addFormatFlag(cmd, &output)
	return cmd
}

func newRuntimeRmCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "rm NAME",
		Short: "Take the name of an interpreter back",
		Long: `Take the name of an interpreter back: an operator the grid's, a submitter his own.
The file stays in the grid, until anthill blobs drop.`,
		Args: cobra.ExactArgs(1),
		RunE: withGrid(func(cmd *cobra.Command, grid *sdk.Grid, args []string) error {
			return grid.RemoveRuntime(cmd.Context(), args[0])
		}),
	}
}

func writeRuntimes(w io.Writer, list []*anthillv1.Runtime) error {
	var rows []table.Row
	for _, r := range list {
		whose := "everybody"
		if r.GetOwner() != "" {
			whose = r.GetOwner()
		}
		rows = append(rows, table.Row{r.GetName(), whose, sdk.Size(r.GetRef().GetSize()), r.GetCopies(), stamp(r.GetNamedAt()), r.GetId()})
	}
	return writeTable(w, table.Row{"runtime", "for", "size", "copies", "added", "blob"}, rows)
}
