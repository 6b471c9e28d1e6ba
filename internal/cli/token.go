package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/anthill-grid/anthill/internal/wire"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

func newTokenCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Let nodes and people into the grid",
		Args:  noSuchCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newTokenCreateCommand(), newTokenListCommand(), newTokenRevokeCommand())
	return cmd
}

// tokenFlags are what 'token create' was asked.
type tokenFlags struct {
	role   jobs.Role
	ttl    time.Duration
	uses   uint32
	owner  string
	prior  shareFlag
	member bool
	output format
}

// check says what is wrong with the flags.
func (f tokenFlags) check() error {
	switch {
	case f.ttl <= 0 || f.uses == 0:
		return errors.New("--ttl and --uses must be more than zero")
	case f.prior != 0 && f.role != jobs.Worker:
		return fmt.Errorf("--prior is for workers: a %s computes nothing that could be wrong", f.role)
	case f.member && f.role != jobs.Worker:
		return fmt.Errorf("--member is for workers, not for a %s", f.role)
	}
	return nil
}

func newTokenCreateCommand() *cobra.Command {
	flags := tokenFlags{output: formatTable}
	cmd := &cobra.Command{
		Use:     "create --role ROLE",
		Short:   "Make a join token and print it on stdout",
		Args:    cobra.NoArgs,
		PreRunE: func(*cobra.Command, []string) error { return flags.check() },
		RunE:    func(cmd *cobra.Command, _ []string) error { return createToken(cmd, flags) },
	}
	cmd.Flags().Var((*roleFlag)(&flags.role), "role", "the role that it gives: coordinator, worker, submitter or operator (required)")
	cmd.Flags().DurationVar(&flags.ttl, "ttl", time.Hour, "how long it can be used")
	cmd.Flags().Uint32Var(&flags.uses, "uses", 1, "how many nodes it admits")
	cmd.Flags().StringVar(&flags.owner, "owner", "", "who answers for these nodes (default: the token itself)")
	cmd.Flags().Var(&flags.prior, "prior", "the probability that the owner of these workers is a saboteur, such as 0.01 for machines of your own (default: what the grid assumes of strangers)")
	cmd.Flags().BoolVar(&flags.member, "member", false, "the workers are machines of your own, and gossip with the coordinators; never for volunteers")
	addFormatFlag(cmd, &flags.output)
	if err := cmd.MarkFlagRequired("role"); err != nil {
		panic("cli: the flag that was just made: " + err.Error())
	}
	return cmd
}

func createToken(cmd *cobra.Command, flags tokenFlags) error {
	grid, err := connect(cmd, askPatience)
	if err != nil {
		return err
	}
	defer grid.Close()
	resp, err := grid.CreateToken(cmd.Context(), &anthillv1.CreateTokenRequest{
		Role: wire.RoleToProto(flags.role), Lifetime: durationpb.New(flags.ttl), Uses: flags.uses, Owner: flags.owner, Prior: flags.prior.float(), Member: flags.member,
	})
	if err != nil {
		return err
	}
	if flags.output == formatJSON {
		return writeJSON(cmd.OutOrStdout(), resp)
	}
	fmt.Fprintln(cmd.OutOrStdout(), resp.GetToken())
	use := "anthill join TOKEN"
	if flags.role == jobs.Coordinator || flags.role == jobs.Worker {
		use = fmt.Sprintf("anthill %s --data DIR --join TOKEN", flags.role)
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "admits %d %s(s) until %s; use it with: %s\n",
		flags.uses, flags.role, resp.GetExpiresAt().AsTime().Local().Format(time.DateTime), use)
	return nil
}

// roleFlag reads a role.
type roleFlag jobs.Role

func (f *roleFlag) Set(s string) error {
	role, err := jobs.ParseRole(s)
	*f = roleFlag(role)
	return err
}

func (f *roleFlag) String() string {
	if *f == roleFlag(jobs.Stranger) {
		return ""
	}
	return jobs.Role(*f).String()
}

func (f *roleFlag) Type() string { return "role" }
