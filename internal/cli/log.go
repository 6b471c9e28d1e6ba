package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/sdk"
)

func newLogCommand() *cobra.Command {
	output, limit, since := formatTable, 100, time.Duration(0)
	cmd := &cobra.Command{
		Use:   "log",
		Short: "List what operators have done, and whom the rules have banned",
		Long: `List what operators have done, and whom the rules have banned, the latest first.
The grid keeps it for a year.`,
		Args: cobra.NoArgs,
		PreRunE: func(*cobra.Command, []string) error {
			if since < 0 {
				return fmt.Errorf("--since must be more than zero")
			}
			return nil
		},
		RunE: withGrid(func(cmd *cobra.Command, grid *sdk.Grid, _ []string) error {
			which := &anthillv1.ListActsRequest{PageSize: pageFor(limit)}
			if since > 0 {
				which.Since = timestamppb.New(time.Now().Add(-since))
			}
			return writeFirst(cmd, output, grid.EachAct(cmd.Context(), which), limit, writeActs)
		}),
	}
	addLimitFlag(cmd, &limit)
	cmd.Flags().DurationVar(&since, "since", 0, "only those of the last hours, such as 24h")
	addFormatFlag(cmd, &output)
	return cmd
}

func writeActs(w io.Writer, list []*anthillv1.AdministrativeAct) error {
	var rows []table.Row
	for _, a := range list {
		who := "the rules"
		if a.GetNodeId() != "" {
			who = fmt.Sprintf("%s (%s)", a.GetOwner(), jobs.NodeID(a.GetNodeId()).Short())
		}
		rows = append(rows, table.Row{stamp(a.GetAt()), who, a.GetAct(), a.GetSubject(), a.GetReason()})
	}
	return writeTable(w, table.Row{"at", "by", "what", "of", "reason"}, rows)
}
