package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/sdk"
)

func newLogsCommand() *cobra.Command {
	output, opts := formatTable, sdk.LogOptions{}
	var task uint32
	cmd := &cobra.Command{
		Use:   "logs JOB",
		Short: "Show what failed and disputed tasks wrote to stderr",
		Long: `Show what failed and disputed tasks wrote to stderr: of each attempt the last 64 KiB,
and at most 16 MiB of a job, the first that come. The grid keeps them as long as the
job, and shows them to its owner and to operators. A lost coordinator may take some with
it.

They are what a program said on a stranger's machine. With -o json the text is in base64.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			grid, err := connect(cmd, followPatience)
			if err != nil {
				return err
			}
			defer grid.Close()
			if cmd.Flags().Changed("task") {
				opts.Task = &task
			}
			return showLogs(cmd, grid, args[0], opts, output)
		},
	}
	addFormatFlag(cmd, &output)
	cmd.Flags().Uint32Var(&task, "task", 0, "only of this `task`, from 0")
	cmd.Flags().BoolVarP(&opts.Follow, "follow", "f", false, "go on until the job is finished")
	return cmd
}

func showLogs(cmd *cobra.Command, grid *sdk.Grid, id string, opts sdk.LogOptions, output format) error {
	n := 0
	for log, err := range grid.Logs(cmd.Context(), id, opts) {
		if err != nil {
			return err
		}
		if output == formatJSON {
			err = writeJSONLines(cmd.OutOrStdout(), []*anthillv1.StreamLogsResponse{log})
		} else {
			err = writeLog(cmd.OutOrStdout(), log, n > 0)
		}
		if err != nil {
			return err
		}
		n++
	}
	if n == 0 {
		fmt.Fprintln(cmd.ErrOrStderr(), "nothing is kept: no attempt has failed, or is disputed, or it was long ago")
	}
	return nil
}

func writeLog(w io.Writer, log *anthillv1.StreamLogsResponse, apart bool) error {
	if apart {
		fmt.Fprintln(w)
	}
	text := strings.TrimRight(string(log.GetText()), "\r\n")
	if text != "" {
		text += "\n"
	}
	_, err := fmt.Fprintf(w, "== task %d, %s of %s, %s: %s\n%s", log.GetTask(), jobs.NodeID(log.GetNodeId()).Short(), log.GetOwner(),
		log.GetAt().AsTime().Local().Format(time.TimeOnly), howEnded(log), text)
	return err
}

func howEnded(log *anthillv1.StreamLogsResponse) string {
	if log.GetEnding() == anthillv1.AttemptEnding_ATTEMPT_ENDING_SUCCEEDED {
		return "it gave a result that is disputed"
	}
	if log.GetReason() == "" {
		return fmt.Sprintf("it failed with code %d", log.GetExitCode())
	}
	return strings.TrimSuffix(log.GetReason(), ":")
}
