package cli

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/anthill-grid/anthill/internal/problem"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/sdk"
)

func newAccountCommand() *cobra.Command {
	output := formatTable
	cmd := &cobra.Command{
		Use:   "account [OWNER]",
		Short: "See what you use of the grid, and how much that may be",
		Long: `See what you use of the grid, and how much that may be; for operators: what any owner
does.`,
		Args: cobra.MaximumNArgs(1),
		RunE: withGrid(func(cmd *cobra.Command, grid *sdk.Grid, args []string) error {
			account, err := grid.Account(cmd.Context(), strings.Join(args, ""))
			if err != nil {
				return err
			}
			return showAccount(cmd, output, account)
		}),
	}
	addFormatFlag(cmd, &output)
	return cmd
}

func showAccount(cmd *cobra.Command, output format, account *anthillv1.Account) error {
	if output == formatJSON {
		return writeJSON(cmd.OutOrStdout(), account)
	}
	return writeAccount(cmd.OutOrStdout(), account)
}

// terms are the flags of 'owner set', in the order in which accounts are shown.
var terms = []struct {
	item  anthillv1.AccountItem
	flag  string
	bytes bool
	what  string // in the table
	help  string
}{
	{anthillv1.AccountItem_ACCOUNT_ITEM_RETAIN, "retain", false, "finished jobs kept for", "for how `long` finished jobs are kept, such as 30d or 12h"},
	{anthillv1.AccountItem_ACCOUNT_ITEM_RUNNING, "jobs", false, "jobs that run", "how many `jobs` may run"},
	{anthillv1.AccountItem_ACCOUNT_ITEM_KEPT, "kept", false, "jobs kept", "how many `jobs` may be kept, those that run among them"},
	{anthillv1.AccountItem_ACCOUNT_ITEM_TASKS, "tasks", false, "tasks", "how many `tasks` the kept jobs may have"},
	{anthillv1.AccountItem_ACCOUNT_ITEM_SPECS, "specs", true, "args and env", "how large args, env and the like of the kept jobs may be: a `size` such as 64MiB"},
	{anthillv1.AccountItem_ACCOUNT_ITEM_RESULTS, "results", true, "results", "how large the results of the kept jobs may be: a `size` such as 50GiB"},
	{anthillv1.AccountItem_ACCOUNT_ITEM_DATASETS, "datasets", true, "datasets", "how large the datasets may be: a `size`; they may never take more than an eighth of the disk"},
	{anthillv1.AccountItem_ACCOUNT_ITEM_REQUESTS, "requests", false, "requests an hour", "how many `requests` that change something it may make in an hour"},
	{anthillv1.AccountItem_ACCOUNT_ITEM_WEIGHT, "weight", false, "weight", "its `part` of the workers where several want them: with 2 it gets twice as much as with 1"},
}

func newOwnerSetCommand() *cobra.Command {
	req, output := &anthillv1.SetOwnerRequest{}, formatTable
	cmd := &cobra.Command{
		Use:   "set NAME",
		Short: "Say how much an owner may use",
		Long: `Say how much an owner may use, for operators. With --everybody instead of a name it
is for all owners for whom nothing else was set. Each value is a number or a size, or
"none" for no limit, or "usual" for that of everybody.`,
		Example: `  anthill owner set alice --jobs 20 --results 50GiB
  anthill owner set bob --weight 2
  anthill owner set --everybody --kept 1000`,
		Args: cobra.MaximumNArgs(1),
		PreRunE: func(_ *cobra.Command, args []string) error {
			req.Owner = strings.Join(args, "")
			switch {
			case (len(args) == 1) == req.GetEverybody():
				return problem.Invalid("give the name of an owner, or --everybody", "owner set: it is for one owner or for everybody")
			case len(req.GetSet())+len(req.GetUsual()) == 0:
				return problem.Invalid("give one, such as --jobs 20", "owner set: no limit is given")
			}
			return nil
		},
		RunE: withGrid(func(cmd *cobra.Command, grid *sdk.Grid, _ []string) error {
			account, err := grid.SetOwner(cmd.Context(), req)
			if err != nil {
				return err
			}
			return showAccount(cmd, output, account)
		}),
	}
	cmd.Flags().BoolVar(&req.Everybody, "everybody", false, "for all owners for whom nothing else was set")
	for _, t := range terms {
		cmd.Flags().Var(&termFlag{req: req, item: t.item, bytes: t.bytes}, t.flag, t.help)
	}
	addReasonFlag(cmd, &req.Reason)
	addFormatFlag(cmd, &output)
	return cmd
}

// termFlag reads one term of an account.
type termFlag struct {
	req   *anthillv1.SetOwnerRequest
	item  anthillv1.AccountItem
	bytes bool
	text  string
}

func (f *termFlag) Set(s string) error {
	limit, err := int64(math.MaxInt64), error(nil)
	switch {
	case s == "usual":
		f.text, f.req.Usual = s, append(f.req.GetUsual(), f.item)
		return nil
	case s == "none":
	case f.item == anthillv1.AccountItem_ACCOUNT_ITEM_RETAIN:
		var kept sdk.Retention
		kept, err = sdk.ParseRetention(s)
		limit = time.Duration(kept).Milliseconds()
	case f.bytes:
		var size sdk.Size
		size, err = sdk.ParseSize(s)
		limit = int64(size)
	default:
		if limit, err = strconv.ParseInt(s, 10, 64); err != nil || limit < 0 {
			err = fmt.Errorf("%q is not a number; write it like 20, or none, or usual", s)
		}
	}
	f.text, f.req.Set = s, append(f.req.GetSet(), &anthillv1.AccountTerm{Item: f.item, Limit: limit})
	return err
}

func (f *termFlag) String() string { return f.text }

func (f *termFlag) Type() string { return "limit" }

// writeAccount shows what an owner uses and may use; of everybody, what all may.
func writeAccount(w io.Writer, account *anthillv1.Account) error {
	var rows []table.Row
	for _, line := range account.GetLines() {
		for _, t := range terms {
			if t.item != line.GetItem() {
				continue
			}
			limit := amount(line.GetLimit(), t.bytes)
			if t.flag == "retain" {
				limit = (time.Duration(line.GetLimit()) * time.Millisecond).String()
			}
			used := amount(line.GetUsed(), t.bytes)
			if line.GetReserved() > 0 {
				used += ", and " + amount(line.GetReserved(), t.bytes) + " reserved"
			}
			if t.flag == "weight" || t.flag == "retain" || account.GetOwner() == "" {
				used = ""
			}
			own := ""
			if line.GetOwn() {
				own = "set for " + account.GetOwner()
			}
			rows = append(rows, table.Row{t.what, used, limit, own})
		}
	}
	return writeTable(w, table.Row{"what", "used", "limit", ""}, rows)
}

func amount(n int64, bytes bool) string {
	switch {
	case n == math.MaxInt64:
		return "none"
	case bytes:
		return sdk.Size(n).String()
	}
	return strconv.FormatInt(n, 10)
}
