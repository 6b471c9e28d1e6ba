package executor

import (
	"fmt"
	"strings"

	"github.com/anthill-grid/anthill/jobs"
	"github.com/anthill-grid/anthill/worker/sandbox"
)

// Explain says what happened to a task that did not succeed, and what to do about it.
func Explain(r sandbox.Result, t sandbox.Task) string {
	switch r.Status {
	case sandbox.Exited:
		return fmt.Sprintf("the task exited with code %d", r.ExitCode)
	case sandbox.OutputExceeded:
		return fmt.Sprintf("the task wrote more than its limit of %d bytes: raise limits.output or give each task less to do", t.Output)
	case sandbox.OutOfFuel:
		return fmt.Sprintf("out of fuel: used %d of %d; raise limits.fuel or give each task less to do", r.Fuel, t.Fuel)
	case sandbox.TimedOut:
		return fmt.Sprintf("the task ran longer than its limit of %v: raise limits.time or give each task less to do", t.Time)
	}
	return fmt.Sprintf("%v: %s", r.Status, r.Reason)
}

// Reason joins what happened and what stderr says of it, at most
// jobs.MaxFailure bytes. A log of several lines begins on a line of its own.
func Reason(what string, stderr []byte) string {
	log := cleaned(stderr)
	if log == "" {
		return clip(what, jobs.MaxReason)
	}
	what = clip(what, jobs.MaxReason)
	log = telling(log, jobs.MaxFailure-len(what)-2)
	if strings.Contains(log, "\n") {
		return what + ":\n" + log
	}
	return what + ": " + log
}

// cleaned is a log without what surrounds it: the first line keeps its indentation.
func cleaned(stderr []byte) string {
	log := strings.TrimRight(strings.ToValidUTF8(string(stderr), "?"), " \t\r\n")
	return strings.TrimLeft(log, "\r\n")
}

// signs are what the last words of programs begin with, as Python, Go and Rust print
// them. A Python traceback ends with what went wrong; after the others comes a stack
// trace, which may be long.
var signs = []struct {
	text      string
	saysAtEnd bool
}{{"Traceback (most recent call last)", true}, {"panic: ", false}, {"fatal error: ", false}, {"panicked at ", false}}

// telling is the part of a log that says why a program died: all of it if there is room,
// otherwise from the first sign of dying after which there is, or the end.
func telling(log string, room int) string {
	if len(log) <= room {
		return log
	}
	last, saysAtEnd := -1, true
	for at, line := 0, ""; at < len(log); at += len(line) {
		line = log[at:]
		if i := strings.IndexByte(line, '\n'); i >= 0 {
			line = line[:i+1]
		}
		sign, ok := signIn(line)
		switch {
		case !ok:
		case len(log)-at <= room:
			return log[at:]
		default:
			last, saysAtEnd = at, sign
		}
	}
	switch {
	case last < 0:
		return end(log, room)
	case saysAtEnd:
		head, rest, _ := strings.Cut(log[last:], "\n")
		head = clip(head, room/2) + "\n...\n"
		return head + end(rest, room-len(head))
	}
	return clip(log[last:], room)
}

// signIn tells whether a line begins the last words of a program, and if so whether
// what went wrong stands at their end.
func signIn(line string) (saysAtEnd, ok bool) {
	for _, sign := range signs {
		if strings.Contains(line, sign.text) {
			return sign.saysAtEnd, true
		}
	}
	return false, false
}

// end is the end of a log, from the beginning of a line unless that line is long.
func end(log string, room int) string {
	if len(log) <= room {
		return log
	}
	cut := len(log) - room
	if i := strings.IndexByte(log[cut-1:], '\n'); i >= 0 && i <= room/2 {
		cut += i
	}
	return strings.ToValidUTF8(log[cut:], "")
}

func clip(s string, n int) string { return strings.ToValidUTF8(s[:min(n, len(s))], "") }
