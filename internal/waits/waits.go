// Package waits names what a job or a dataset waits for, in a closed list, and has the
// words for it: why nothing moves, since when, until when, and what helps. Coordinators
// find the reason, which travels on the wire; whoever shows it to people takes the words
// from here. docs/waits.md has the table.
package waits

import (
	"fmt"
	"time"

	"github.com/anthill-grid/anthill/jobs"
)

// Reason is what is waited for, in the order of the wire's enum.
type Reason uint8

// The reasons.
const (
	None         Reason = iota // something moves
	NoWorker                   // no worker is alive
	Banned                     // those that are have been banned
	Outdated                   // they are of an older version than the job
	Paused                     // they are paused
	Busy                       // they have other jobs
	Quorum                     // there are too few of them for so many equal results
	OwnersAsked                // all owners of live workers have run every task
	Disputed                   // results disagree, and all have run the task
	Late                       // the last tasks take longer than usual
	InputComes                 // the input is on its way from the submitter
	InputAway                  // the submitter is away with the input
	InputLost                  // the only copies of the input are with coordinators that are away
	Results                    // results are being copied
	NoLeader                   // no coordinator leads
	Copies                     // further coordinators copy it
	CopiesAway                 // those that should have a copy are away
	CopiesFull                 // their disks are full
	Stalled                    // nothing moves, and none of the others
	InputTrouble               // the leader cannot copy the input, as with a full disk
	Memory                     // no worker lends as much memory as a task takes
	Unwanted                   // the donors of all workers have ruled the job or its owner out
	Account                    // the owner's account has no room for further results
	end
)

// Wait is what something waits for.
type Wait struct {
	Reason Reason
	// Since is when it began, and Until when it ends at the latest; zero: not known.
	Since, Until time.Time
	// Whom are those that are waited for, such as "ann's 0c858d73".
	Whom []string
	// Count is how many workers, tasks or results it is about.
	Count int
	// Bytes are still to come, at so many a second; 0: none come.
	Bytes int64
	Rate  float64
	// Detail is a further word on it.
	Detail string
}

// NodeName is a node by its owner and its short id, as people are told of it.
func NodeName(owner jobs.OwnerID, id jobs.NodeID) string {
	return fmt.Sprintf("%s's %s", owner, id.Short())
}

// Why says what is waited for, since when and until when, as of now; "" if nothing is.
func (w Wait) Why(now time.Time) string {
	p := w.phrase()
	if p.why == nil {
		return ""
	}
	text := p.why(w)
	if ago := now.Sub(w.Since); !w.Since.IsZero() && ago >= time.Second {
		text += " " + fmt.Sprintf(p.since, span(ago))
	}
	if left := w.Until.Sub(now); !w.Until.IsZero() && left >= time.Second {
		text += fmt.Sprintf("; that is waited for at most %s more", span(left))
	}
	return text
}

// Timeless is a wait without its times, for a text that is not shown at once.
func (w Wait) Timeless() Wait {
	w.Since, w.Until = time.Time{}, time.Time{}
	return w
}

// Next says what helps.
func (w Wait) Next() string { return w.phrase().next }

// Text says both.
func (w Wait) Text(now time.Time) string {
	text := w.Why(now)
	if text == "" || w.Next() == "" {
		return text
	}
	return text + ": " + w.Next()
}

func (w Wait) phrase() phrase {
	if w.Reason >= end {
		return phrase{}
	}
	p := phrases[w.Reason]
	if p.since == "" {
		p.since = "(nothing has moved for %s)"
	}
	return p
}

// span is a time as people say it.
func span(d time.Duration) time.Duration {
	if d < 10*time.Minute {
		return d.Round(time.Second)
	}
	return d.Round(time.Minute)
}
