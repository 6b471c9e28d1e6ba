package hclogslog

import (
	"fmt"
	"sync"
	"time"
)

const (
	// everyRepeat is how often a line is written that comes again and again.
	everyRepeat = time.Minute
	// maxKinds bounds the kinds of lines that are remembered.
	maxKinds = 256
)

// repeats holds back what raft says of a dead voter several times a second: of lines with
// the same text about the same peer one a minute is written, with how many there were
// since the one before.
type repeats struct {
	mu    sync.Mutex
	kinds map[string]*repeated
}

type repeated struct {
	written time.Time
	held    int
}

// pass says whether a line is to be written, and how many like it were held back since the
// one before.
func (r *repeats) pass(line string, args []any, now time.Time) (held int, ok bool) {
	key := line + peerOf(args)
	r.mu.Lock()
	defer r.mu.Unlock()
	k := r.kinds[key]
	if k != nil && now.Sub(k.written) < everyRepeat {
		k.held++
		return 0, false
	}
	if k != nil {
		held = k.held
	} else if len(r.kinds) >= maxKinds {
		clear(r.kinds)
	}
	r.kinds[key] = &repeated{written: now}
	return held, true
}

// peerOf is what a line is about: its error and its times differ from one to the next.
func peerOf(args []any) (peer string) {
	for i := 0; i+1 < len(args); i += 2 {
		switch args[i] {
		case "peer", "server", "id", "address", "node", "target":
			peer += fmt.Sprint("\x00", args[i+1])
		}
	}
	return peer
}
