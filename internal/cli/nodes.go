package cli

import (
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/anthill-grid/anthill/internal/reach"
	"github.com/anthill-grid/anthill/internal/wire"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/sdk"
)

func newNodesCommand() *cobra.Command {
	output, which, limit := formatTable, &anthillv1.ListNodesRequest{}, 0
	cmd := &cobra.Command{
		Use:   "nodes",
		Short: "List the grid's coordinators and workers",
		Long: `List the grid's coordinators and workers, and how far each worker is trusted.
Checks are those that its owner has survived; credibility is the probability that
the owner's next result is right; doubts count how often the owner was outvoted
without being banned; credit counts the accepted results that it voted for, and
fuel what those took (a unit is about one instruction of a task's program).
Reliability is the share of a worker's latest attempts that came to a result, shown
if some did not; it decides how much work the worker gets, not whether it is
believed.`,
		Args: cobra.NoArgs,
		RunE: withGrid(func(cmd *cobra.Command, grid *sdk.Grid, _ []string) error {
			return writeFirst(cmd, output, grid.EachNode(cmd.Context(), which), limit, writeNodes)
		}),
	}
	cmd.Flags().StringVar(&which.Owner, "owner", "", "only those of this owner")
	addLimitFlag(cmd, &limit)
	addFormatFlag(cmd, &output)
	return cmd
}

func writeNodes(w io.Writer, list []*anthillv1.Node) error {
	var rows []table.Row
	for _, node := range list {
		role := wire.RoleFromProto(node.GetRole()).String()
		if node.GetLeader() {
			role += " (leader)"
		}
		state := enumName("LIVENESS_", node.GetLiveness().String())
		if node.GetPaused() {
			state += ", paused"
		}
		if node.GetRecord().GetBanned() {
			state += ", banned"
		}
		row := table.Row{jobs.NodeID(node.GetId()).Short(), role, node.GetOwner(), state, node.GetSlots(), node.GetLeases()}
		row = append(row, standing(node)...)
		rows = append(rows, append(row, node.GetAddress(), pathText(node.GetWhereabouts()), remarks(node)))
	}
	return writeTable(w, table.Row{"node", "role", "owner", "state", "slots", "leases",
		"checks", "credibility", "doubts", "credit", "fuel", "reliability", "address", "path", "remarks"}, rows)
}

// clockSlack is how far a coordinator's clock may be from the leader's without a
// remark.
const clockSlack = 2 * time.Second

// pathText is how a worker can be reached, "" where that is not known.
func pathText(w *anthillv1.Whereabouts) string {
	if w == nil {
		return ""
	}
	_, port, _ := net.SplitHostPort(w.GetListens())
	return reach.Standing{
		Looked: true, Dialable: w.GetDialable(), Mapped: w.GetMapped(), Mapping: reach.MappingFromProto(w.GetUdp()), Port: port, Relay: w.GetRelay(),
	}.String()
}

// remarks say why an owner is banned, or who accuses it, or that a clock is wrong.
func remarks(node *anthillv1.Node) string {
	record, ahead := node.GetRecord(), node.GetClockAhead().AsDuration()
	switch {
	case ahead > clockSlack:
		return fmt.Sprintf("its clock is %v ahead of the leader's", ahead.Round(time.Second))
	case ahead < -clockSlack:
		return fmt.Sprintf("its clock is %v behind the leader's", -ahead.Round(time.Second))
	case record.GetBanned():
		return record.GetBannedReason()
	case len(record.GetAccusers()) > 0:
		return "accused of sending wrong bytes by " + strings.Join(record.GetAccusers(), ", ")
	}
	return ""
}

// standing is what cross-checking has shown of a worker's owner, and how often
// the worker itself came to an end. Coordinators have none.
func standing(node *anthillv1.Node) table.Row {
	record := node.GetRecord()
	if record == nil {
		return table.Row{"", "", "", "", "", ""}
	}
	reliability := ""
	if r := node.GetReliability(); r < 1 {
		reliability = fmt.Sprintf("%.2f", r)
	}
	return table.Row{record.GetChecks(), certainty(record.GetCredibility()), record.GetDoubts(), record.GetCredit(), sdk.Fuel(record.GetFuel()), reliability}
}
