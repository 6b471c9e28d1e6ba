package keeper

import (
	"slices"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/flowrate"
	"github.com/anthill-grid/anthill/jobs"
)

// measured is how long an origin must have been waited for until its rate says something
// of others.
const measured = 500 * time.Millisecond

// lines is what is known of how fast bytes come: from each origin, see origin.meter, and
// in all, which tells when this coordinator's own line is what is slow.
type lines struct {
	received int64 // by the swarm, at the last look
	total    flowrate.Meter
	best     float64 // that total ever was, of late
	busyWith int     // origins that send, and all that are no results as one more
}

// measure reckons what has come since the last time.
func (l *lines) measure(k *Keeper, elapsed time.Duration) {
	for _, f := range k.flights {
		if f.large() && f.runs() {
			k.gauge(f)
		}
	}
	received := k.cfg.Swarm.Progress(blob.ID{}).Received
	came := received - l.received
	l.received = received
	l.total.Add(came, elapsed)
	l.best = max(l.best*0.999, l.total.Rate())
	l.busyWith = 0
	var results int64
	for _, s := range k.origins {
		if s.active() || s.fresh != 0 {
			s.meter.Add(s.fresh, elapsed)
			l.busyWith++
		}
		results += max(0, s.fresh)
		s.fresh = 0
	}
	if came > 2*results {
		l.busyWith++
	}
}

// gauge looks how far a flight is, and tells it of peers that were found since.
func (k *Keeper) gauge(f *flight) {
	p := k.cfg.Swarm.Progress(f.blob)
	f.reached(p.Have+p.Coming, p.Have)
	for _, e := range f.errands {
		e.come = f.come
		k.cfg.Swarm.Introduce(f.blob, e.providers)
	}
}

// busy says whether it is this coordinator's line that an origin has to share with others:
// about as much comes as ever did, and the origin has its part of that.
func (l *lines) busy(rate float64) bool {
	total := l.total.Rate()
	if rate == 0 || l.busyWith < 2 || total < l.best/2 {
		return false
	}
	return rate >= total/float64(l.busyWith)/4
}

// elsewhere are the rates of the other workers that are there, the slowest first. Those of
// which nothing is known have a usual line.
func (k *Keeper) elsewhere(not *origin, workers []jobs.NodeID) (rates []float64) {
	known := map[jobs.NodeID]float64{}
	for _, s := range k.origins {
		for _, id := range s.nodes {
			if s.workers && s.meter.Knows(measured) {
				known[id] = max(known[id], s.meter.Rate())
			}
		}
	}
	for _, id := range workers {
		rate, measured := known[id]
		switch {
		case slices.Contains(not.nodes, id):
		case !measured:
			rates = append(rates, usualRate)
		case rate >= 1:
			rates = append(rates, rate)
		}
	}
	slices.Sort(rates)
	return rates
}

// expected is the rate at which a result would come from somebody else: while there are
// tasks to begin, from anybody; then from the best, since that one has time, and the job
// waits for what is left.
func expected(rates []float64, tail bool) float64 {
	switch {
	case len(rates) == 0:
		return usualRate
	case tail:
		return rates[len(rates)-1]
	}
	return rates[len(rates)/2]
}
