package keeper

import (
	"slices"
	"strings"
	"time"

	"github.com/anthill-grid/anthill/internal/flowrate"
	"github.com/anthill-grid/anthill/jobs"
)

const (
	// maxWidth is how many large results one origin is asked for at a time: they share
	// its line, so that more of them would only all come later.
	maxWidth = 4
	// maxBatches is how many batches of small ones it is asked for at a time.
	maxBatches = 2
	// originLife is how long an origin of which nothing is wanted is remembered.
	originLife = 10 * time.Minute
)

// origin is whom results are fetched from: the workers that computed them or, where
// coordinators hold them already, these.
type origin struct {
	nodes   []jobs.NodeID
	workers bool // and no coordinator has what they have
	large   int  // results of more than a piece that are on their way
	batches int  // of small ones
	width   int  // how many large ones may be
	backoff      // after nothing came
	meter   flowrate.Meter
	fresh   int64     // bytes that came since they were last reckoned
	heard   time.Time // when any last came
	moved   time.Time // when the last piece was whole
	used    time.Time
}

// originOf is where a result is to be had.
func (k *Keeper) originOf(w wanted) *origin {
	key := originKey(w.from, w.unheld)
	s := k.origins[key]
	if s == nil {
		s = &origin{nodes: w.from, workers: w.unheld, width: maxWidth}
		k.origins[key] = s
	}
	s.used = time.Now()
	return s
}

func originKey(nodes []jobs.NodeID, workers bool) string {
	var b strings.Builder
	if workers {
		b.WriteString("workers")
	}
	for _, id := range nodes {
		b.WriteByte(' ')
		b.WriteString(string(id))
	}
	return b.String()
}

// forgetOrigins forgets those of which nothing has been wanted for long.
func (k *Keeper) forgetOrigins() {
	for key, s := range k.origins {
		if s.large+s.batches == 0 && time.Since(s.used) > originLife {
			delete(k.origins, key)
		}
	}
}

// active says whether something is to come from it.
func (s *origin) active() bool { return s.large+s.batches > 0 || !s.over() }

// gave notes bytes that came, or with a number below zero that some came in vain.
func (s *origin) gave(bytes int64) {
	s.fresh += bytes
	if bytes > 0 {
		s.heard = time.Now()
	}
}

// succeeded and failed notes how a flight ended: a origin that gave nothing is asked for
// less at a time, since a slow line carries one result and not four.
func (s *origin) succeeded() { s.width, s.backoff = min(s.width+1, maxWidth), backoff{} }

func (s *origin) failed(err error) {
	s.width = 1
	s.wait(retryAfter(err, s.pause))
}

// rate is in bytes a second: 0 if nothing has come for some time.
func (s *origin) rate(quiet time.Duration) float64 {
	if time.Since(s.heard) > quiet {
		return 0
	}
	return s.meter.Rate()
}

// alive says whether any of its nodes is there.
func (s *origin) alive(there map[jobs.NodeID]bool) bool {
	return slices.ContainsFunc(s.nodes, func(id jobs.NodeID) bool { return there[id] })
}
