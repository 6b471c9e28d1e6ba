package jobs

import (
	"fmt"
	"strings"
)

// What scripts answer where something is to be shown.

func (g *grid) show(id JobID) string {
	j := g.Jobs[id]
	var b strings.Builder
	fmt.Fprintf(&b, "%v %s\n", j.State, j.Reason)
	fmt.Fprintf(&b, "%d of %d done, %d accepted, attempts %s\n", j.Done(), j.Total(), j.Accepted(), countsOf(j.Attempts))
	if j.Failed > 0 {
		fmt.Fprintf(&b, "%d failed: %v\n", j.Failed, j.FirstFailed(10))
	}
	if !j.Spec.Trust.Fixed() {
		fmt.Fprintf(&b, "bound %v, %v asked for\n", g.Bound(j), j.Spec.Trust.MaxError)
	}
	if j.Short != "" {
		fmt.Fprintf(&b, "short: %s\n", j.Short)
	}
	for seq, i := range j.Order {
		if j.Current(Sequence(seq)) {
			fmt.Fprintf(&b, "task %d: %s, held by %b\n", i, nameOf(j.Closed[i].vote()), j.Closed[i].Holders)
		}
	}
	if used := j.Fuel.Uint64(); used > 0 {
		fmt.Fprintf(&b, "fuel %d of about %d\n", used, j.FuelEstimate())
	}
	for _, i := range j.OpenTasks() {
		fmt.Fprintf(&b, "task %d: %s\n", i, g.showTask(j, j.Open[i]))
	}
	for _, e := range j.Events {
		fmt.Fprintf(&b, "event: %s\n", e.Text)
	}
	return strings.ReplaceAll(b.String(), " \n", "\n")
}

// countsOf leaves out what did not happen.
func countsOf(c AttemptCounts) string {
	list := []string{fmt.Sprint(c.Started, " started")}
	for _, e := range []struct {
		n    uint64
		what string
	}{{c.Extra, "extra"}, {c.Agreed, "agreed"}, {c.Outvoted, "outvoted"}, {c.Killed, "killed"}, {c.Lost, "lost"}, {c.Returned, "returned"}} {
		if e.n > 0 {
			list = append(list, fmt.Sprint(e.n, " ", e.what))
		}
	}
	return strings.Join(list, ", ")
}

func (g *grid) showTask(j *Job, t *Task) string {
	var list []string
	for i := range t.Attempts {
		a := &t.Attempts[i]
		list = append(list, string(a.Worker)+"="+saidBy(a.State, a.Vote))
	}
	if t.Disputed {
		list = append(list, "disputed")
	}
	v := g.Judge(j, t)
	if v.Kind == Agreed && v.Want > 0 {
		return strings.Join(list, " ") + ", open for exams"
	}
	return strings.Join(list, " ") + fmt.Sprintf(", %d wanted", v.Want)
}

// saidBy is what an attempt said, or how it ended without a vote.
func saidBy(s AttemptState, v Vote) string {
	switch s {
	case AttemptRunning:
		return "running"
	case AttemptKilled:
		return "killed"
	case AttemptLost:
		return "lost"
	case AttemptSilent:
		return "silent"
	case AttemptReturned:
		return "returned"
	case AttemptUnfetched:
		return "unfetched"
	case AttemptVoid:
		return "void"
	case AttemptOutvoted:
		return "outvoted:" + nameOf(v)
	}
	return nameOf(v)
}

func nameOf(v Vote) string {
	name := strings.TrimRight(string(v.Output.ID[:]), "\x00")
	if v.Failed {
		name = fmt.Sprintf("!%d", v.ExitCode)
	}
	if v.Fuel > 0 {
		name += fmt.Sprintf("@%d", v.Fuel)
	}
	return name
}

func (g *grid) showReport(r TaskReport) string {
	var b strings.Builder
	b.WriteString(r.Verdict)
	if !r.Output.ID.IsZero() {
		fmt.Fprintf(&b, ": %s is right with a probability of %v", nameOf(r.Groups[0].Vote), r.Credibility)
	}
	if r.Reason != "" {
		b.WriteString(": " + r.Reason)
	}
	b.WriteString("\n")
	for i, group := range r.Groups {
		fmt.Fprintf(&b, "group %d: %s, %v\n", i, nameOf(group.Vote), group.Credibility)
	}
	for _, a := range r.Attempts {
		said := saidBy(a.State, Vote{})
		if a.State == AttemptVoted || a.State == AttemptOutvoted {
			said = saidBy(a.State, r.Groups[a.Group].Vote)
		}
		fmt.Fprintf(&b, "%s of %s (%v): %s %s\n", a.Worker, a.Owner, a.Credibility, said, a.Reason)
	}
	return strings.ReplaceAll(b.String(), " \n", "\n")
}

func (g *grid) showOwners() string {
	var b strings.Builder
	for _, id := range sortedKeys(g.Owners) {
		o := g.Owners[id]
		if o.Agreed+o.Outvoted+o.Checks == 0 && o.Banned == "" && o.Prior == 0 {
			continue
		}
		fmt.Fprintf(&b, "%s: %d agreed, %d outvoted, %s survived, credibility %v", id, o.Agreed, o.Outvoted, plural(int(o.Checks), "check"), g.Credibility(id))
		if fuel := o.Fuel.Uint64(); fuel > 0 {
			fmt.Fprintf(&b, ", %d of fuel", fuel)
		}
		if o.Doubts > 0 {
			fmt.Fprintf(&b, ", %s", plural(int(o.Doubts), "doubt"))
		}
		if o.Banned != "" {
			fmt.Fprintf(&b, ", banned: %s", o.Banned)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func (g *grid) showNodes() string {
	var b strings.Builder
	for _, id := range g.Numbered {
		fmt.Fprintf(&b, "%s: reliability %v\n", id, g.Nodes[id].Reliability)
	}
	return b.String()
}
