package cli

import (
	"encoding/hex"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/anthill-grid/anthill/internal/contexts"
	"github.com/anthill-grid/anthill/internal/enrol"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/sdk"
)

func newJoinCommand() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "join (TOKEN | -)",
		Short: "Join a grid as a submitter or an operator",
		Long: `Join a grid as a submitter or an operator.

Writes a context, by which other commands find the grid (--grid NAME), and makes it
the current one. - reads the token from standard input, so that neither the shell's
history nor other users of this machine see it.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := name
			given := joinToken{token: args[0]}
			token, err := given.read(cmd.InOrStdin())
			if err != nil {
				return err
			}
			if name == "" {
				name = defaultName(token)
			}
			dir, err := contexts.Make(name)
			if err != nil {
				return err
			}
			member, err := sdk.Join(cmd.Context(), token, dir, sdk.JoinOptions{Waiting: tellWaiting(cmd)})
			if err != nil {
				return err
			}
			if err := contexts.Use(name); err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "joined grid %s as %s, owner %s; context %q is now current\nsee its jobs: anthill jobs\n",
				member.Grid, member.Role, member.Owner, name)
			if member.ClockAhead != 0 {
				fmt.Fprintln(cmd.ErrOrStderr(), enrol.Skew(member.ClockAhead).Advice())
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "the context's `name` (default: made from the grid's authority)")
	return cmd
}

// defaultName is the same for all tokens of a grid. What is wrong with a broken
// token is for Join to say.
func defaultName(token string) string {
	parsed, err := identity.ParseToken(token)
	if err != nil {
		return "grid"
	}
	return "grid-" + hex.EncodeToString(parsed.CA[:4])
}
