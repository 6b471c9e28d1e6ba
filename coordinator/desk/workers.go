package desk

import (
	"slices"
	"time"

	"github.com/anthill-grid/anthill/coordinator/placement"
	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
)

// pausePatience is how long a worker may be paused until others are asked for what it
// runs: most pauses are over by then.
const pausePatience = 30 * time.Second

// Beat is what a worker's heartbeat says.
type Beat struct {
	Leases  []jobs.LeaseID
	Address string
	Slots   int
	Paused  bool
	Blobs   []blob.ID
	// Fuel is about how much some of the leases have used so far.
	Fuel map[jobs.LeaseID]uint64
	// Leaving: the worker stops, and sends no more of these.
	Leaving bool
}

// worker is what a worker's heartbeats say.
type worker struct {
	heard   time.Time
	address string
	slots   int
	paused  bool
	fuel    map[jobs.LeaseID]uint64 // of the leases that it holds
	since   time.Time               // when it was first heard to be paused, or not to be
	// without are the leases that ended in silence and that its last heartbeat did not
	// name.
	without map[jobs.LeaseID]bool
	// metering is the newest version of the rules by which it counts fuel; 0: it did not
	// say yet.
	metering uint32
	terms    placement.Terms // without the slots
}

// Heartbeat notes that a worker is alive, and tells which of its leases are void.
func (d *Desk) Heartbeat(id jobs.NodeID, beat Beat) (void []jobs.LeaseID, err error) {
	d.mu.Lock()
	if !d.leading {
		d.mu.Unlock()
		return nil, ErrNoLeader
	}
	w := d.hear(id)
	w.note(beat)
	still := w.stands()
	d.tracker.stock.announce(id, beat.Blobs)
	d.mu.Unlock()

	named := d.sift(id, beat.Leases)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.renewals.gone = append(d.renewals.gone, w.lacks(named.without)...)
	if beat.Leaving {
		delete(d.workers, id)
		d.tracker.stock.forget(id)
		d.left[id] = true
		return named.void, nil
	}
	d.renewals.note(id, named, still)
	w.fuel = make(map[jobs.LeaseID]uint64, len(named.alive)) // another one, since Fuel reads the old one
	for _, l := range named.alive {
		w.fuel[l] = beat.Fuel[l]
	}
	return named.void, nil
}

// hear notes that a worker is alive. It is called with mu held.
func (d *Desk) hear(id jobs.NodeID) *worker {
	w := d.workers[id]
	if w == nil {
		w = &worker{}
		d.workers[id] = w
		d.crew.stale = true
	}
	w.heard = time.Now()
	delete(d.left, id)
	return w
}

// Left says whether a worker said, when it was last heard of, that it stops.
func (d *Desk) Left(id jobs.NodeID) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.left[id]
}

func (w *worker) note(beat Beat) {
	if w.since.IsZero() || w.paused != beat.Paused {
		w.since = time.Now()
	}
	w.address, w.slots, w.paused = beat.Address, beat.Slots, beat.Paused
}

// stands says whether a worker has been paused for longer than most pauses last.
func (w *worker) stands() bool { return w.paused && time.Since(w.since) >= pausePatience }

// named are the leases that a heartbeat names.
type named struct {
	void, alive []jobs.LeaseID
	// without are leases that ended in the worker's silence, and that it does not name.
	without []jobs.LeaseID
	// all: the worker goes on with all that it holds but for what it did not name, and the
	// rules know how to say so in short.
	all    bool
	worker jobs.WorkerHeard
}

// sift tells the leases that a worker holds from those it thinks it holds. Those that
// ended in its silence are given back, as far as one may hold so many.
func (d *Desk) sift(id jobs.NodeID, leases []jobs.LeaseID) (n named) {
	said := map[jobs.LeaseID]bool{}
	d.replica.View(func(s *jobs.State) {
		n.all = s.Version() >= jobs.VersionYears
		room := placement.MaxHeld - s.Holding(id)
		for _, l := range leases {
			_, holder, held := s.Lease(l)
			_, silent, back := s.Silent(l)
			switch {
			case held && holder == id:
				said[l] = true
				n.alive = append(n.alive, l)
			case back && silent == id && room > 0:
				room--
				said[l] = true
				n.alive, n.all = append(n.alive, l), false
			default:
				n.void = append(n.void, l)
			}
		}
		unsaid := func(list []jobs.LeaseID) []jobs.LeaseID {
			return slices.DeleteFunc(list, func(l jobs.LeaseID) bool { return said[l] })
		}
		n.without = unsaid(s.SilentOf(id))
		if n.all = n.all && s.Nodes[id] != nil; n.all {
			n.worker = jobs.WorkerHeard{Worker: s.Nodes[id].Number, Unnamed: unsaid(s.LeasesOf(id))}
		}
	})
	return n
}

// lacks are those of the leases that a heartbeat does not name that the one before did
// not name either: a lease may have been on its way when the first was sent.
func (w *worker) lacks(without []jobs.LeaseID) (gone []jobs.LeaseID) {
	before := w.without
	w.without = nil
	for _, l := range without {
		if before[l] {
			gone = append(gone, l)
			continue
		}
		if w.without == nil {
			w.without = map[jobs.LeaseID]bool{}
		}
		w.without[l] = true
	}
	return gone
}

// crew is what placement has to know of the live workers, as of a moment ago. The desk's
// mutex guards it; what it names is never changed.
type crew struct {
	as       time.Time
	stale    bool
	live     []jobs.NodeID
	outdated map[jobs.NodeID]bool
	terms    map[jobs.NodeID]placement.Terms
}

// crewEvery is for how long a crew is good enough: of thousands of workers it is not to be
// gathered for each plan.
const crewEvery = 100 * time.Millisecond

// muster are the live workers, and on which terms they work.
func (d *Desk) muster() crew {
	d.mu.Lock()
	c := d.crew
	d.crew.stale = false
	d.mu.Unlock()
	if !c.stale && time.Since(c.as) < crewEvery {
		return c
	}
	c = crew{as: time.Now(), live: d.live(), outdated: d.outdated(jobs.Metering), terms: d.terms()}
	d.mu.Lock()
	defer d.mu.Unlock()
	c.stale = d.crew.stale // somebody has come since
	d.crew = c
	return c
}

// live are the workers heard of within a lease's duration. The others are forgotten.
func (d *Desk) live() []jobs.NodeID {
	d.mu.Lock()
	defer d.mu.Unlock()
	var list []jobs.NodeID
	for id, w := range d.workers {
		if time.Since(w.heard) < jobs.LeaseDuration {
			list = append(list, id)
		} else {
			delete(d.workers, id)
			d.tracker.stock.forget(id)
		}
	}
	return list
}

// Located are the live workers, and where they serve what they have.
func (d *Desk) Located() map[jobs.NodeID]string {
	live := d.live()
	d.mu.Lock()
	defer d.mu.Unlock()
	list := make(map[jobs.NodeID]string, len(live))
	for _, id := range live {
		if w := d.workers[id]; w != nil {
			list[id] = w.address
		}
	}
	return list
}

// Counting is how many live workers can count fuel by these rules, and how many said that
// they know older ones alone.
func (d *Desk) Counting(metering uint32) (able, outdated int) {
	live := d.live()
	outdated = len(d.outdated(metering))
	return len(live) - outdated, outdated
}

// outdated are the workers that know older rules of counting fuel alone.
func (d *Desk) outdated(metering uint32) map[jobs.NodeID]bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := map[jobs.NodeID]bool{}
	for id, w := range d.workers {
		if w.metering > 0 && w.metering < metering {
			list[id] = true
		}
	}
	return list
}

// Slots is what a worker said in its last heartbeat of its slots and of whether it is
// paused; 0 if it is not heard of.
func (d *Desk) Slots(id jobs.NodeID) (slots int, paused bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if w := d.workers[id]; w != nil {
		return w.slots, w.paused
	}
	return 0, false
}

// Fuel is about how much a job's running attempts have used so far, those of which
// their workers have said so.
func (d *Desk) Fuel(job jobs.JobID) map[jobs.LeaseID]uint64 {
	d.mu.Lock()
	said := map[jobs.NodeID]map[jobs.LeaseID]uint64{}
	for id, w := range d.workers {
		said[id] = w.fuel // which nobody changes
	}
	d.mu.Unlock()
	list := map[jobs.LeaseID]uint64{}
	d.replica.View(func(s *jobs.State) {
		for id, fuel := range said {
			for lease, n := range fuel {
				if p, holder, ok := s.Lease(lease); n > 0 && ok && holder == id && p.Job == job {
					list[lease] = n
				}
			}
		}
	})
	return list
}
