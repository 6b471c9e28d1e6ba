package cli

import (
	"fmt"
	"io"
	"iter"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"
)

// addLimitFlag adds the flag of commands that list what there may be much of.
func addLimitFlag(cmd *cobra.Command, limit *int) {
	cmd.Flags().IntVar(limit, "limit", *limit, "at most `N` of them; 0 for all")
}

// pageFor is how many of a list to ask for at a time where so many are wanted, 0 for as many
// as there can be: one more tells whether there are more.
func pageFor(limit int) uint32 {
	if limit <= 0 {
		return 0
	}
	return uint32(min(limit, 999)) + 1
}

// writeFirst writes the first of a list, and says if there are more than the limit.
func writeFirst[M proto.Message](cmd *cobra.Command, output format, all iter.Seq2[M, error], limit int, write func(io.Writer, []M) error) error {
	if limit < 0 {
		return fmt.Errorf("--limit must not be less than zero")
	}
	var list []M
	for m, err := range all {
		if err != nil {
			return err
		}
		if limit > 0 && len(list) == limit {
			defer fmt.Fprintf(cmd.ErrOrStderr(), "there are more of them than --limit %d\n", limit)
			break
		}
		list = append(list, m)
	}
	return writeList(cmd, output, list, write)
}
