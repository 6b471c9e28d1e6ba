package cli

import (
	"fmt"
	"io"
	"time"
)

// trialLine tells a person at a terminal which run is under way, and for how long.
type trialLine struct {
	w      io.Writer
	engine chan string
	done   chan struct{}
}

// newTrialLine writes nothing unless w is a terminal.
func newTrialLine(w io.Writer) *trialLine {
	l := &trialLine{w: rawWriter(w), engine: make(chan string), done: make(chan struct{})}
	if isTerminal(w) {
		go l.run(time.Second)
	} else {
		close(l.done)
	}
	return l
}

func (l *trialLine) begin(engine string) {
	select {
	case l.engine <- engine:
	case <-l.done:
	}
}

// close takes the line away.
func (l *trialLine) close() {
	close(l.engine)
	<-l.done
}

func (l *trialLine) run(pause time.Duration) {
	defer close(l.done)
	tick := time.NewTicker(pause)
	defer tick.Stop()
	engine, since := "", time.Now()
	for {
		select {
		case next, open := <-l.engine:
			if !open {
				fmt.Fprint(l.w, "\r\x1b[K")
				return
			}
			engine, since = next, time.Now()
		case <-tick.C:
		}
		fmt.Fprintf(l.w, "\r\x1b[Krunning on the %s, %v", engine, time.Since(since).Truncate(pause))
	}
}
