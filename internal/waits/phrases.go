package waits

import (
	"cmp"
	"fmt"
	"strings"
)

// phrase is a reason in words.
type phrase struct {
	why   func(Wait) string
	since string // with a time for %s; empty: for how long
	next  string
}

var phrases = [end]phrase{
	NoWorker: {why: plain("no worker is alive"), next: "start one with `anthill worker --join TOKEN`"},
	Banned: {why: counted("the only live worker is banned", "all %d live workers are banned"),
		next: "`anthill nodes` says why; start workers of other owners"},
	Outdated: {why: counted("the only live worker is of an older version than the job", "all %d live workers are of an older version than the job"),
		next: "upgrade them"},
	Paused: {why: counted("the worker that could run it is paused", "the %d workers that could run it are paused"),
		next: "it goes on when one of them does, or when you start another"},
	Busy: {why: counted("the only worker is busy with other jobs", "all %d workers are busy with other jobs"),
		next: "it has its turn when one of them is free; more workers help"},
	Quorum:      {why: quorum, next: "start workers of further owners, or set trust.replicas to 1 for machines of your own"},
	OwnersAsked: {why: asked, next: "start workers of further owners, or it ends like that"},
	Disputed: {why: counted("some results disagree, and the only live worker has run all tasks", "some results disagree, and the %d live workers have run all tasks"),
		next: "start more workers"},
	Late: {why: counted("the last task takes longer than usual", "the last %d tasks take longer than usual"),
		next: "others are asked as well, where there are any: more workers help"},
	InputComes: {why: with("the input is still coming from the submitter"), next: "leave the submitter connected"},
	InputAway: {why: inputAway, since: "(away for %s)",
		next: "it goes on when the submitter is back; or cancel the job and submit it again"},
	InputLost:    {why: whom("the only copies of the input are away, with %s"), next: "start that coordinator again, or cancel the job"},
	InputTrouble: {why: trouble, next: "its operator can help; it is tried again all the time"},
	Memory:       {why: memory, next: "lower limits.memory, limits.output or what each task reads; or lend more with --memory"},
	Unwanted: {why: counted("the donor of the only live worker does not lend it for this job", "the donors of all %d live workers do not lend them for this job"),
		next: "start workers of your own, or ask their donors"},
	Results: {why: results, next: "what takes much longer to come than to compute is computed again; workers with better lines help"},
	NoLeader: {why: plain("the coordinators have no leader"),
		next: "a majority of them must run and reach each other: `anthill nodes` tells which do"},
	Copies: {why: whom("the grid is copying it to %s"), next: "leave this connected"},
	CopiesAway: {why: away, since: "%s ago",
		next: "start it again; a coordinator that is away for longer than a minute is not waited for"},
	CopiesFull: {why: whom("the disk of %s is full"),
		next: "make room there; a full disk is not waited for longer than a minute"},
	Account: {why: with("its owner's account has no room for further results"),
		next: "remove finished jobs whose results you have: `anthill jobs rm JOB`"},
	Stalled: {why: plain("nothing moves"), next: "`anthill nodes` tells which workers are there, and the coordinators' logs what they do"},
}

func plain(text string) func(Wait) string { return func(Wait) string { return text } }

// counted tells one from several.
func counted(one, several string) func(Wait) string {
	return func(w Wait) string {
		if w.Count == 1 {
			return one
		}
		return fmt.Sprintf(several, w.Count)
	}
}

// whom names those that are waited for.
func whom(text string) func(Wait) string {
	return func(w Wait) string { return fmt.Sprintf(text, list(w.Whom, "a further coordinator")) }
}

// with adds a further word.
func with(text string) func(Wait) string {
	return func(w Wait) string {
		if w.Detail == "" {
			return text
		}
		return text + "; " + w.Detail
	}
}

// inputAway says how much of the input nobody has.
func inputAway(w Wait) string {
	return "input: " + cmp.Or(w.Detail, "a part of it is with nobody") + "; waiting for the submitter"
}

// List is "a, b and c"; "" of nothing.
func List(names []string) string {
	n := len(names)
	if n < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
}

func list(names []string, nobody string) string { return cmp.Or(List(names), nobody) }

func quorum(w Wait) string {
	if w.Count == 1 {
		return "each task needs " + w.Detail + ", and the live workers have a single owner, who has one voice"
	}
	return fmt.Sprintf("each task needs %s, and the live workers have only %d owners, each with one voice", w.Detail, w.Count)
}

// memory says how much a task takes.
func memory(w Wait) string {
	return counted("the only live worker does not lend", "none of the %d live workers lends")(w) + " the memory that a task takes, " + size(w.Bytes)
}

func asked(w Wait) string {
	text := counted("the owner of the only live worker has run every task", "the owners of the %d live workers have run every task")(w)
	if w.Detail == "" {
		return text
	}
	return text + ", " + w.Detail
}

// away says whether those that are waited for said that they leave.
func away(w Wait) string {
	return "a copy is to come to " + list(w.Whom, "a further coordinator") + ", which " + w.Detail
}

func trouble(w Wait) string {
	return "the input cannot be copied to " + list(w.Whom, "the leader") + ": " + w.Detail
}

func results(w Wait) string {
	switch {
	case w.Detail != "":
		return "all results are accepted, and further copies of them wait for " + w.Detail
	case len(w.Whom) == 0:
		return "all results are accepted; they are being copied to further coordinators"
	}
	text := counted("one result is still to come from ", "%d results are still to come from ")(w) + list(w.Whom, "")
	if w.Rate < 1 {
		return text + ", and nothing of it comes"
	}
	return text + fmt.Sprintf(": %s at %s/s", size(w.Bytes), size(int64(w.Rate)))
}

// size is a number of bytes in units of 1,024.
func size(n int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	v, unit := float64(n), 0
	for ; v >= 1024 && unit < len(units)-1; unit++ {
		v /= 1024
	}
	if unit == 0 || v >= 100 {
		return fmt.Sprintf("%.0f %s", v, units[unit])
	}
	return fmt.Sprintf("%.1f %s", v, units[unit])
}
