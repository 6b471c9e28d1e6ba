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

// taskAccepted is the verdict on a task with an accepted result.
const taskAccepted = "accepted"

// writeTask tells the verdict, what the attempts said, and who said it.
func writeTask(w io.Writer, task *anthillv1.GetTaskResponse) error {
	verdict := task.GetVerdict()
	if verdict == taskAccepted {
		verdict += " with credibility " + certainty(task.GetCredibility())
	}
	err := writeFields(w, [][2]string{{"task", fmt.Sprint(task.GetTask())}, {"verdict", verdict}})
	if err == nil && len(task.GetGroups()) > 0 {
		err = writeGroups(w, task)
	}
	if err == nil && len(task.GetAttempts()) > 0 {
		err = writeAttempts(w, task.GetAttempts())
	}
	return err
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
		if i == 0 && task.GetVerdict() == taskAccepted {
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
		reason := strings.Join(strings.Fields(a.GetReason()), " ") // it may hold the end of stderr
		rows = append(rows, table.Row{jobs.NodeID(a.GetNodeId()).Short(), a.GetOwner(), state, group, certainty(a.GetCredibility()), reason})
	}
	return writeTable(w, table.Row{"worker", "owner", "state", "group", "credibility", "reason"}, rows)
}

func hasVoted(a *anthillv1.TaskAttempt) bool {
	return a.GetState() == "voted" || a.GetState() == "outvoted"
}
