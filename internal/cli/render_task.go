package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/sdk"
)

// The verdicts on a task with an accepted result, and on one that has failed.
const (
	taskAccepted = "accepted"
	taskFailed   = "failed"
)

// writeTask tells the verdict, what the attempts said, and who said it.
func writeTask(w io.Writer, task *anthillv1.GetTaskResponse) error {
	verdict := task.GetVerdict()
	if verdict == taskAccepted || verdict == taskFailed && task.GetCredibility() > 0 {
		verdict += " with credibility " + certainty(task.GetCredibility())
	}
	err := writeFields(w, [][2]string{
		{"task", fmt.Sprint(task.GetTask())}, {"input", task.GetInput()}, {"verdict", verdict}, {"reason", task.GetReason()},
	})
	if err == nil && len(task.GetGroups()) > 0 {
		err = writeGroups(w, task)
	}
	if err == nil && len(task.GetAttempts()) > 0 {
		err = writeAttempts(w, task.GetAttempts())
	}
	if err == nil {
		err = writeLogs(w, task)
	}
	return err
}

// writeLogs tells what attempts left in their logs, where it is not the task's reason:
// each log once.
func writeLogs(w io.Writer, task *anthillv1.GetTaskResponse) error {
	told := map[string]bool{task.GetReason(): true}
	for _, a := range task.GetAttempts() {
		_, log, found := strings.Cut(a.GetReason(), "\n")
		if !found || told[a.GetReason()] {
			continue
		}
		told[a.GetReason()] = true
		if _, err := fmt.Fprintf(w, "\nthe end of stderr on %s:\n%s", jobs.NodeID(a.GetNodeId()).Short(), indented(log)); err != nil {
			return err
		}
	}
	return nil
}

func writeGroups(w io.Writer, task *anthillv1.GetTaskResponse) error {
	fmt.Fprintln(w)
	votes := map[uint32]int{}
	for _, a := range task.GetAttempts() {
		if hasVoted(a) {
			votes[a.GetGroup()]++
		}
	}
	var rows []table.Row
	for i, g := range task.GetGroups() {
		won := ""
		if i == 0 && (task.GetVerdict() == taskAccepted || task.GetVerdict() == taskFailed && g.GetFailed()) {
			won = "yes"
		}
		// Fuel to the last digit: groups may differ by it alone.
		rows = append(rows, table.Row{g.GetGroup(), won, certainty(g.GetCredibility()), votes[g.GetGroup()], g.GetFuel(), said(g)})
	}
	return writeTable(w, table.Row{"group", "won", "credibility", "votes", "fuel", "result"}, rows)
}

// said is what the members of a group agree on.
func said(g *anthillv1.VoteGroup) string {
	if g.GetFailed() {
		return fmt.Sprintf("failed with exit code %d", g.GetExitCode())
	}
	digest := fmt.Sprintf("%x", g.GetOutput().GetId())
	return fmt.Sprintf("%s, %.12s", sdk.Size(g.GetOutput().GetSize()), digest)
}

func writeAttempts(w io.Writer, attempts []*anthillv1.TaskAttempt) error {
	fmt.Fprintln(w)
	var rows []table.Row
	for _, a := range attempts {
		group := ""
		if hasVoted(a) {
			group = fmt.Sprint(a.GetGroup())
		}
		state := a.GetState()
		if a.GetFuel() > 0 {
			state += ", fuel " + sdk.Fuel(a.GetFuel()).String()
		}
		reason, _, _ := strings.Cut(a.GetReason(), "\n") // after it comes the end of stderr, see writeLogs
		reason = strings.TrimSuffix(reason, ":")
		rows = append(rows, table.Row{jobs.NodeID(a.GetNodeId()).Short(), a.GetOwner(), state, group, certainty(a.GetCredibility()), reason})
	}
	return writeTable(w, table.Row{"worker", "owner", "state", "group", "credibility", "reason"}, rows)
}

func hasVoted(a *anthillv1.TaskAttempt) bool {
	return a.GetState() == "voted" || a.GetState() == "outvoted"
}
