package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/anthill-grid/anthill/jobs"
	"github.com/anthill-grid/anthill/sdk"
	"github.com/anthill-grid/anthill/worker/control"
)

// newWorkerControlCommands talk to a worker that runs on this machine.
func newWorkerControlCommands() []*cobra.Command {
	pause := newPauseCommand()
	pause.Short = "Pause the worker that runs on this machine"
	pause.Long = `Pause the worker that runs on this machine: its tasks stand still and use no
processor time until anthill worker resume. Their time limits stand still as
well, and the worker keeps their leases; it gives back those that have not
started, and takes no others. On Windows, running tasks run to their end.`
	resume := newControlCommand(control.Command{Do: control.DoResume, Reason: control.ByUser})
	resume.Short = "Let a paused or drained worker continue"
	resume.Long = `Let a paused worker continue. If it is paused for other reasons too, which
anthill worker status names, it waits until they are gone.`
	status := newControlCommand(control.Command{Do: control.DoStatus})
	status.Short = "Tell what the worker on this machine is doing, and why it is paused"
	drain := newControlCommand(control.Command{Do: control.DoDrain})
	drain.Short = "Let the worker finish what runs, and take nothing new"
	drain.Long = `Let the worker on this machine finish what runs, and take nothing new until anthill
worker resume. What has not started is given back. anthill worker status shows when
nothing is left.`
	return []*cobra.Command{pause, resume, drain, status, newWorkerUICommand()}
}

// newPauseCommand can end a pause by itself.
func newPauseCommand() *cobra.Command {
	var clock string
	c := control.Command{Do: control.DoPause, Reason: control.ByUser}
	cmd := newControlCommandOf(&c)
	cmd.Use = "pause [TIME] --data DIR"
	cmd.Args = cobra.MaximumNArgs(1)
	cmd.Flags().StringVar(&clock, "until", "", "end the pause at this `time` of this machine's clock, such as 18:00")
	cmd.PreRunE = func(_ *cobra.Command, args []string) (err error) {
		c.Until, err = pauseEnd(args, clock, time.Now())
		return err
	}
	return cmd
}

// pauseEnd is when a pause ends by itself; zero: it does not.
func pauseEnd(args []string, clock string, now time.Time) (end time.Time, err error) {
	switch {
	case len(args) > 0 && clock != "":
		return end, errors.New("give a time such as 2h, or --until, and not both")
	case len(args) > 0:
		d, err := time.ParseDuration(args[0])
		if err != nil || d <= 0 {
			return end, fmt.Errorf("%q: write it like 2h or 30m", args[0])
		}
		return now.Add(d), nil
	case clock == "":
		return end, nil
	}
	at, err := time.Parse("15:04", clock)
	if err != nil {
		return end, fmt.Errorf("--until %q: write it like 18:00", clock)
	}
	end = time.Date(now.Year(), now.Month(), now.Day(), at.Hour(), at.Minute(), 0, 0, now.Location())
	if !end.After(now) {
		end = time.Date(now.Year(), now.Month(), now.Day()+1, at.Hour(), at.Minute(), 0, 0, now.Location())
	}
	return end, nil
}

// newControlCommand sends a command and shows what the worker does then.
func newControlCommand(c control.Command) *cobra.Command { return newControlCommandOf(&c) }

func newControlCommandOf(c *control.Command) *cobra.Command {
	output := formatTable
	var dir string
	cmd := &cobra.Command{
		Use:  c.Do + " --data DIR",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			status, err := control.Ask(cmd.Context(), dir, *c)
			if err != nil {
				return err
			}
			if output == formatJSON {
				return writeWorkerJSON(cmd.OutOrStdout(), status)
			}
			return writeWorker(cmd.OutOrStdout(), status, time.Now())
		},
	}
	cmd.Flags().StringVar(&dir, "data", "", "data directory of the worker (required)")
	_ = cmd.MarkFlagRequired("data") // the flag exists
	addFormatFlag(cmd, &output)
	return cmd
}

func writeWorkerJSON(w io.Writer, s control.Status) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(s)
}

// sessionText is which coordinator the worker is with.
func sessionText(s control.Status) string {
	if s.Reserve == "" {
		return s.Coordinator
	}
	return s.Coordinator + " (in reserve " + s.Reserve + ")"
}

func writeWorker(w io.Writer, s control.Status, now time.Time) error {
	state := "working"
	if s.Draining {
		state = "draining: it finishes what runs, and takes nothing new"
	}
	if len(s.Pauses) > 0 {
		state = "paused"
	}
	fields := [][2]string{
		{"worker", jobs.NodeID(s.Node).Short()}, {"owner", s.Owner}, {"grid", s.Grid}, {"address", s.Address},
		{"state", state}, {"leases", fmt.Sprint(s.Leases)},
	}
	if s.Coordinator != "" {
		fields = append(fields, [2]string{"connected", sessionText(s)})
	}
	if s.Path != "" {
		fields = append(fields, [2]string{"path", s.Path})
	}
	for _, p := range s.Pauses {
		fields = append(fields, [2]string{"because", fmt.Sprintf("%s, since %s (%v)",
			p.Reason, p.Since.Local().Format(time.DateTime), now.Sub(p.Since).Round(time.Second))})
	}
	if s.Until != nil {
		fields = append(fields, [2]string{"until", s.Until.Local().Format(time.DateTime)})
	}
	if x := s.Silence; x != nil {
		fields = append(fields, [2]string{"waiting", fmt.Sprintf("no coordinator answers, since %s (%v): %s; what runs goes on, and waits to be handed in",
			x.Since.Local().Format(time.DateTime), now.Sub(x.Since).Round(time.Second), x.Why)})
	}
	if s.Power != "" {
		fields = append(fields, [2]string{"power", s.Power})
	}
	if v := s.Volume; v != nil {
		fields = append(fields, [2]string{"volume", fmt.Sprintf("%v of %v left until %s",
			sdk.Size(max(0, v.Limit-v.Used)), sdk.Size(v.Limit), v.Until.Local().Format(time.DateOnly))})
	}
	if e := s.Earned; e != nil {
		fields = append(fields, [2]string{"credit", fmt.Sprintf("%d results, %v fuel", e.Credit, sdk.Fuel(e.Fuel))})
	}
	if err := writeFields(w, fields); err != nil {
		return err
	}
	var rows []table.Row
	for i, slot := range s.Slots {
		row := table.Row{i, "idle", "", ""}
		if slot.Since != nil && slot.Task != nil {
			row = table.Row{i, slot.Job, *slot.Task, now.Sub(*slot.Since).Round(time.Second)}
		}
		rows = append(rows, row)
	}
	return writeTable(w, table.Row{"slot", "job", "task", "for"}, rows)
}
