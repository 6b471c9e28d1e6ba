package cli

import (
	"github.com/spf13/cobra"

	"github.com/anthill-grid/anthill/internal/ui"
)

func newUICommand() *cobra.Command {
	listen := "127.0.0.1:0"
	cmd := &cobra.Command{
		Use:   "ui",
		Short: "Serve a page on this machine that shows the grid",
		Long: `Serve a page on this machine that shows the grid: jobs, tasks as they run, results,
nodes and owners. It does what your identity may do, so it is served on loopback, and
only to the browser that opens the link that is printed. A link works once; when it
has been used, the next one is printed.

The same port serves the grid's API as JSON, with what /openapi.json describes: POST
/anthill.v1.JobService/GetJob with {"job_id": "..."}. Programs take the key from
--key-file, and send it as "Authorization: Bearer KEY".`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().StringVar(&listen, "listen", listen, "`HOST:PORT` on loopback; port 0: any that is free")
	keyFile := cmd.Flags().String("key-file", "", "write the address and the key for programs into this `file`, which only you may read")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		grid, err := connect(cmd, followPatience)
		if err != nil {
			return err
		}
		defer grid.Close()
		return servePage(cmd, listen, *keyFile, ui.NewGridHandler(grid))
	}
	return cmd
}
