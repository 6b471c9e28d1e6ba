package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/sdk"
)

func newCoordinatorListCommand() *cobra.Command {
	output := formatTable
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the coordinators, and how many losses the grid stands",
		Args:  cobra.NoArgs,
		RunE: withGrid(func(cmd *cobra.Command, grid *sdk.Grid, _ []string) error {
			resp, err := grid.CoordinatorGroup(cmd.Context())
			if err != nil {
				return err
			}
			if err := writeList(cmd, output, resp.GetCoordinators(), writeCoordinators); err != nil || output == formatJSON {
				return err
			}
			fmt.Fprintln(cmd.ErrOrStderr(), lossesText(resp))
			return nil
		}),
	}
	addFormatFlag(cmd, &output)
	return cmd
}

func writeCoordinators(w io.Writer, list []*anthillv1.CoordinatorStatus) error {
	var rows []table.Row
	for _, c := range list {
		rows = append(rows, table.Row{
			jobs.NodeID(c.GetNodeId()).Short(), c.GetAddress(), partOf(c), contactText(c), c.GetRelease(), clockText(c), diskText(c),
		})
	}
	return writeTable(w, table.Row{"node", "address", "part", "last contact", "release", "clock", "disk free"}, rows)
}

func partOf(c *anthillv1.CoordinatorStatus) string {
	switch {
	case c.GetLeader():
		return "leader"
	case c.GetVoter():
		return "voter"
	case c.GetBehind() > 0:
		return fmt.Sprintf("spare, %d entries behind", c.GetBehind())
	}
	return "spare"
}

func contactText(c *anthillv1.CoordinatorStatus) string {
	switch {
	case c.GetLeader():
		return ""
	case c.GetLastContact() == nil:
		return "never"
	case c.GetAlive():
		return "now"
	}
	return c.GetLastContact().AsDuration().Round(time.Second).String() + " ago"
}

func clockText(c *anthillv1.CoordinatorStatus) string {
	ahead := c.GetClockAhead().AsDuration().Round(100 * time.Millisecond)
	switch {
	case ahead > time.Second:
		return ahead.String() + " ahead"
	case ahead < -time.Second:
		return (-ahead).String() + " behind"
	}
	return "right"
}

func diskText(c *anthillv1.CoordinatorStatus) string {
	if c.GetDiskSize() == 0 {
		return ""
	}
	return fmt.Sprintf("%v of %v", sdk.Size(c.GetDiskFree()), sdk.Size(c.GetDiskSize()))
}

// lossesText says how many more coordinators may be lost.
func lossesText(resp *anthillv1.ListCoordinatorsResponse) string {
	voters, there, spares := 0, 0, 0
	for _, c := range resp.GetCoordinators() {
		switch {
		case c.GetVoter():
			voters++
			if c.GetAlive() {
				there++
			}
		case c.GetAlive():
			spares++
		}
	}
	text := fmt.Sprintf("%d of %d voters are there: ", there, voters)
	switch losses := resp.GetLosses(); {
	case losses == 0 && voters < 3:
		text += "the loss of the leader stops the grid; add coordinators until there are three: `anthill token create --role coordinator`"
	case losses == 0:
		text += "the loss of one more stops the grid; bring back or replace the one that is missing"
	case losses == 1:
		text += "the grid stands the loss of one"
	default:
		text += fmt.Sprintf("the grid stands the loss of %d", losses)
	}
	if spares > 0 && voters >= 3 {
		text += fmt.Sprintf("; %d more take the place of who is gone for good", spares)
	}
	return text
}

func newTransferCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "transfer [NODE]",
		Short: "Have another coordinator lead",
		Long: `Have another coordinator lead: NODE, an id or its first digits, or whichever is
furthest. Before the leader's machine is worked on, this spares everybody the second
until its silence is noticed.`,
		Args: cobra.MaximumNArgs(1),
		RunE: withGrid(func(cmd *cobra.Command, grid *sdk.Grid, args []string) error {
			node := ""
			if len(args) == 1 {
				var err error
				if node, err = findCoordinator(cmd, grid, args[0]); err != nil {
					return err
				}
			}
			return grid.TransferLeadership(cmd.Context(), node)
		}),
	}
}

// findCoordinator is the whole id of which the first digits are given.
func findCoordinator(cmd *cobra.Command, grid *sdk.Grid, prefix string) (string, error) {
	resp, err := grid.CoordinatorGroup(cmd.Context())
	if err != nil {
		return "", err
	}
	var found []string
	for _, c := range resp.GetCoordinators() {
		if strings.HasPrefix(c.GetNodeId(), prefix) {
			found = append(found, c.GetNodeId())
		}
	}
	if len(found) != 1 {
		return "", problem.NotFound("see 'anthill coordinator list'", "coordinator %s: %d have ids that begin so", prefix, len(found))
	}
	return found[0], nil
}
