package rpc

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// What is shown around the first byte in which two outputs differ.
const (
	shownBefore = 8
	shownFrom   = 32
)

// answer is what an attempt said of its task.
type answer struct {
	vote jobs.Vote
	// output is the first of it, as far as it is known here: all of a small one, or nothing.
	output []byte
}

// difference is how an attempt's answer differs from that of the first other one at its
// task; nil if there is no other answer. An output of one piece has come along, or is on this
// coordinator's disk as long as it may be the result. Of a larger one its worker sends the
// beginning, unproved, as it is for people only.
func (s *Server) difference(w written, r *jobs.TaskReport) *anthillv1.Difference {
	var mine, other *jobs.TaskAttempt
	for i := range r.Attempts {
		if a := &r.Attempts[i]; uint64(a.Lease) == w.log.GetLease() && hasAnswered(a) {
			mine = a
		}
	}
	for i := range r.Attempts {
		if a := &r.Attempts[i]; other == nil && mine != nil && hasAnswered(a) && a.Group != mine.Group {
			other = a
		}
	}
	if other == nil {
		return nil
	}
	vote := r.Groups[other.Group].Vote
	there := answer{vote, s.waiting.Head(w.job, w.log.GetTask(), other.Worker)}
	if !vote.Failed && vote.Output.Size <= blob.MinPiece {
		there.output, _ = s.cfg.Results.Result(vote.Output)
	}
	d := compare(answer{r.Groups[mine.Group].Vote, w.output}, there)
	d.NodeId, d.Owner = string(other.Worker), string(other.Owner)
	return d
}

// compare says how two answers differ that are not equal.
func compare(here, there answer) *anthillv1.Difference {
	a, b := here.vote, there.vote
	switch {
	case a.Failed || b.Failed:
		return &anthillv1.Difference{Text: said(a) + " here, " + said(b) + " there"}
	case a.Output == b.Output:
		return &anthillv1.Difference{Text: fmt.Sprintf("equal output, %d fuel here and %d there", a.Fuel, b.Fuel)}
	}
	return compareOutputs(here, there)
}

func said(v jobs.Vote) string {
	if v.Failed {
		return fmt.Sprintf("exit code %d", v.ExitCode)
	}
	return fmt.Sprintf("%d bytes of output", v.Output.Size)
}

func compareOutputs(here, there answer) *anthillv1.Difference {
	sizes := fmt.Sprintf("%d bytes here, %d there", here.vote.Output.Size, there.vote.Output.Size)
	if here.lacks() || there.lacks() {
		return &anthillv1.Difference{Text: sizes + ", of which some are not here any more"}
	}
	at := 0
	for both := min(len(here.output), len(there.output)); at < both && here.output[at] == there.output[at]; {
		at++
	}
	if at == len(here.output) && !here.whole() || at == len(there.output) && !there.whole() {
		return &anthillv1.Difference{Text: fmt.Sprintf("%s; the first %d are alike", sizes, at)}
	}
	first := uint64(at)
	d := &anthillv1.Difference{At: &first, Here: around(here.output, at), There: around(there.output, at)}
	switch {
	case at == len(here.output):
		d.Text = fmt.Sprintf("it ends at byte %d, where the other goes on: %s", at, quoted(d.GetThere()))
	case at == len(there.output):
		d.Text = fmt.Sprintf("it goes on at byte %d, where the other ends: %s", at, quoted(d.GetHere()))
	default:
		d.Text = fmt.Sprintf("byte %d: %s here, %s there", at, quoted(d.GetHere()), quoted(d.GetThere()))
	}
	return d
}

func (a answer) lacks() bool { return len(a.output) == 0 && a.vote.Output.Size > 0 }

func (a answer) whole() bool { return int64(len(a.output)) == a.vote.Output.Size }

func around(output []byte, at int) []byte {
	return bytes.Clone(output[max(0, at-shownBefore):min(len(output), at+shownFrom)])
}

// quoted is plain ASCII whatever the bytes are: they are a stranger's.
func quoted(b []byte) string { return strconv.QuoteToASCII(string(b)) }

// hasAnswered tells whether an attempt has said something of its task that counts, or did.
func hasAnswered(a *jobs.TaskAttempt) bool {
	return a.State == jobs.AttemptVoted || a.State == jobs.AttemptOutvoted
}
