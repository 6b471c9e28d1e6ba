package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/sdk"
)

func newOwnerCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "owner",
		Short: "See who stands behind nodes, and shut owners out",
		Args:  noSuchCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newOwnerListCommand(), newOwnerShowCommand(), newOwnerSetCommand(), newBanCommand(), newUnbanCommand())
	return cmd
}

func newOwnerListCommand() *cobra.Command {
	output, limit := formatTable, 0
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the owners of nodes",
		Args:  cobra.NoArgs,
		RunE: withGrid(func(cmd *cobra.Command, grid *sdk.Grid, _ []string) error {
			return writeFirst(cmd, output, grid.EachOwner(cmd.Context(), nil), limit, writeOwners)
		}),
	}
	addLimitFlag(cmd, &limit)
	addFormatFlag(cmd, &output)
	return cmd
}

func writeOwners(w io.Writer, list []*anthillv1.Owner) error {
	var rows []table.Row
	for _, o := range list {
		state := ""
		if o.GetRecord().GetBanned() {
			state = "banned: " + o.GetRecord().GetBannedReason()
		}
		rows = append(rows, table.Row{
			o.GetName(), o.GetNodes(), o.GetWorkers(), o.GetJobsRunning(), o.GetJobsFinished(), o.GetDatasets(),
			certainty(o.GetRecord().GetCredibility()), o.GetRecord().GetCredit(), state,
		})
	}
	return writeTable(w, table.Row{"owner", "nodes", "workers", "running", "finished", "datasets", "credibility", "credit", "remarks"}, rows)
}

func newOwnerShowCommand() *cobra.Command {
	output := formatTable
	cmd := &cobra.Command{
		Use:   "show OWNER",
		Short: "Describe an owner",
		Args:  cobra.ExactArgs(1),
		RunE: withGrid(func(cmd *cobra.Command, grid *sdk.Grid, args []string) error {
			for o, err := range grid.EachOwner(cmd.Context(), &anthillv1.ListOwnersRequest{Name: args[0]}) {
				if err != nil {
					return err
				}
				if output == formatJSON {
					return writeJSON(cmd.OutOrStdout(), o)
				}
				return writeFields(cmd.OutOrStdout(), ownerFields(o))
			}
			return nil
		}),
	}
	addFormatFlag(cmd, &output)
	return cmd
}

func ownerFields(o *anthillv1.Owner) [][2]string {
	r := o.GetRecord()
	return [][2]string{
		{"owner", o.GetName()},
		{"banned", r.GetBannedReason()},
		{"evidence", evidence(r.GetEvidence())},
		{"nodes", fmt.Sprintf("%d, %d of them workers", o.GetNodes(), o.GetWorkers())},
		{"jobs", fmt.Sprintf("%d running, %d finished", o.GetJobsRunning(), o.GetJobsFinished())},
		{"datasets", fmt.Sprint(o.GetDatasets())},
		{"credibility", fmt.Sprintf("%s, %d checks survived, %d doubts", certainty(r.GetCredibility()), r.GetChecks(), r.GetDoubts())},
		{"results", fmt.Sprintf("%d agreed, %d outvoted, credit %d", r.GetAgreed(), r.GetOutvoted(), r.GetCredit())},
		{"fuel", sdk.Fuel(r.GetFuel()).String()},
	}
}

// evidence is what the owner's node has signed, as whoever wants to check it needs it.
func evidence(p *anthillv1.PieceProof) string {
	if p == nil {
		return ""
	}
	s := p.GetSignature()
	return fmt.Sprintf("piece %d of blob %x was sent to node %s at %s with the SHA-256 %x; signed by key %x: %x", p.GetPiece(), p.GetBlob(), p.GetReceiver(),
		time.UnixMilli(s.GetSignedAt()).UTC().Format(time.RFC3339), p.GetHash(), s.GetKey(), s.GetSignature())
}

func newBanCommand() *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "ban OWNER",
		Short: "Shut an owner out, with all nodes and jobs",
		Long: `Shut an owner out: none of its nodes may do anything in the grid any more, its
running jobs are cancelled, and what its workers answered in running jobs counts no
more.`,
		Args: cobra.ExactArgs(1),
		RunE: withGrid(func(cmd *cobra.Command, grid *sdk.Grid, args []string) error {
			o, err := grid.BanOwner(cmd.Context(), args[0], reason, false)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "%s is banned: %s\n", o.GetName(), o.GetRecord().GetBannedReason())
			return nil
		}),
	}
	addReasonFlag(cmd, &reason)
	return cmd
}

func newUnbanCommand() *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "unban OWNER",
		Short: "Let an owner in again that was banned",
		Long: `Let an owner in again that was banned, by an operator or by the rules. It begins
again as a newcomer whose every result needs checking.`,
		Args: cobra.ExactArgs(1),
		RunE: withGrid(func(cmd *cobra.Command, grid *sdk.Grid, args []string) error {
			o, err := grid.BanOwner(cmd.Context(), args[0], reason, true)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "%s is not banned any more\n", o.GetName())
			return nil
		}),
	}
	addReasonFlag(cmd, &reason)
	return cmd
}
