package cli

import (
	"github.com/spf13/cobra"

	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/internal/reach"
)

// advertiseFlag is where others reach a node besides.
func advertiseFlag(cmd *cobra.Command, list *[]string) {
	cmd.Flags().StringSliceVar(list, "advertise", nil, `HOST:PORT at which others reach this node, where that is not the address that
coordinators see: of a cloud, or a port that a router forwards. Several are allowed.
A coordinator dials each, and tells others of those that lead here`)
}

// portMappingFlag is for those who want nothing of their routers.
func portMappingFlag(cmd *cobra.Command, off *bool) {
	cmd.Flags().BoolVar(off, noPortMapping, false, `do not ask the router (by PCP, NAT-PMP or UPnP) to open a port where nobody can
dial this machine otherwise; the port is given back at the end`)
}

const noPortMapping = "no-port-mapping"

// maySeekPort tells whether a command that goes on serving may ask the router for a port;
// others have no such flag.
func maySeekPort(cmd *cobra.Command) bool {
	f := cmd.Flags().Lookup(noPortMapping)
	return f != nil && f.Value.String() == "false"
}

// servingFlags are those of commands that serve something until they end.
func servingFlags(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().StringSlice("advertise", nil, `HOST:PORT at which others reach what this command serves: a router passes it on to
the same port of this machine. Several are allowed`)
	return cmd
}

// advertised is what a command that serves something was told; others have no such flag.
func advertised(cmd *cobra.Command) ([]string, error) {
	if cmd.Flags().Lookup("advertise") == nil {
		return nil, nil
	}
	list, err := cmd.Flags().GetStringSlice("advertise")
	if err != nil {
		return nil, err
	}
	return list, checkAdvertised(list)
}

func checkAdvertised(list []string) error {
	if err := reach.CheckAdvertised(list); err != nil {
		return problem.Invalid("write it like --advertise 203.0.113.7:7000", "--advertise: %w", err)
	}
	return nil
}
