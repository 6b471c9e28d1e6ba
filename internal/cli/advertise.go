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
