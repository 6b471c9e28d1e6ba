package cli

import (
	"context"
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
		Short: "Show what failed and disputed tasks wrote to stderr, and how their results differ",
		Long: `Show what failed and disputed tasks wrote to stderr: of each attempt the last 64 KiB,
and at most 16 MiB of a job, the first that come. Of attempts that disagree it says where
their results begin to differ; of results larger than 256 KiB only the first 4 KiB are
compared, as their workers sent them. The grid keeps all that as long as the job, and
shows it to its owner and to operators. A lost coordinator may take some with it.

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
	if log.GetDifference() != nil {
		text = differs(log) + "\n" + text
	}
	_, err := fmt.Fprintf(w, "== task %d, %s of %s, %s: %s\n%s", log.GetTask(), jobs.NodeID(log.GetNodeId()).Short(), log.GetOwner(),
		log.GetAt().AsTime().Local().Format(time.TimeOnly), howEnded(log), text)
	return err
}

// maxDiffering is how many of the attempts that differ are told of with a job or a task.
const maxDiffering = 5

// differing are the first attempts at a job, or at one of its tasks, that say how they differ
// from others. They are told besides: that they are not to be had is no reason to say nothing
// at all.
func differing(ctx context.Context, grid *sdk.Grid, id string, task *uint32) (list []*anthillv1.StreamLogsResponse) {
	for log, err := range grid.Logs(ctx, id, sdk.LogOptions{Task: task, Differing: true}) {
		if err != nil || len(list) == maxDiffering {
			break
		}
		if log.GetDifference() != nil {
			list = append(list, log)
		}
	}
	return list
}

func writeDifferences(w io.Writer, list []*anthillv1.StreamLogsResponse) error {
	if len(list) == 0 {
		return nil
	}
	var text strings.Builder
	text.WriteString("\nhow results differ:\n")
	for _, log := range list {
		fmt.Fprintf(&text, "  task %d: %s of %s %s\n", log.GetTask(), jobs.NodeID(log.GetNodeId()).Short(), log.GetOwner(), differs(log))
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// differs says how an attempt's answer differs from that of another.
func differs(log *anthillv1.StreamLogsResponse) string {
	d := log.GetDifference()
	return fmt.Sprintf("differs from %s of %s: %s", jobs.NodeID(d.GetNodeId()).Short(), d.GetOwner(), d.GetText())
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
