package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/timestamppb"

	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/sdk"
)

// recently is for how long a job that is over is listed without being asked for.
const recently = 24 * time.Hour

func newJobsCommand() *cobra.Command {
	output, which, states, limit, all, full := formatTable, &anthillv1.ListJobsRequest{}, []string(nil), 0, false, false
	cmd := &cobra.Command{
		Use:   "jobs",
		Short: "List the grid's jobs, newest first",
		Long: `List the grid's jobs, newest first: those that run, and those that ended within the
last day. With --all or --state those count as well that ended before. Submitters see
the jobs of their own owner, operators all.`,
		Example: "  anthill jobs --all --owner ann --state failed --limit 50",
		Args:    cobra.NoArgs,
		PreRunE: func(*cobra.Command, []string) (err error) {
			which.States, err = jobStates(states)
			return err
		},
		RunE: withGrid(func(cmd *cobra.Command, grid *sdk.Grid, _ []string) error {
			if !all && len(states) == 0 {
				which.ActiveSince = timestamppb.New(time.Now().Add(-recently))
			}
			which.PageSize = pageFor(limit)
			if full {
				which.View = anthillv1.JobView_JOB_VIEW_FULL
			}
			return writeFirst(cmd, output, grid.EachJob(cmd.Context(), which), limit, writeJobs)
		}),
	}
	cmd.Flags().BoolVar(&all, "all", false, "also those that ended more than a day ago")
	cmd.Flags().StringSliceVar(&states, "state", nil, "only those that are `STATE`: running, succeeded, failed or cancelled")
	cmd.Flags().StringVar(&which.Owner, "owner", "", "only those of this owner")
	cmd.Flags().StringVar(&which.Name, "name", "", "only those that have this in their names")
	cmd.Flags().BoolVar(&full, "full", false, "with -o json: with the whole specs")
	addLimitFlag(cmd, &limit)
	addFormatFlag(cmd, &output)
	cmd.AddCommand(newJobsRemoveCommand())
	return cmd
}

// jobStates reads states as people write them.
func jobStates(names []string) (list []anthillv1.JobState, err error) {
	for _, name := range names {
		found := false
		for number := range anthillv1.JobState_name {
			if state := anthillv1.JobState(number); state != anthillv1.JobState_JOB_STATE_UNSPECIFIED && stateName(state) == name {
				list, found = append(list, state), true
			}
		}
		if !found {
			return nil, fmt.Errorf("--state %q: want running, succeeded, failed or cancelled", name)
		}
	}
	return list, nil
}
