package placement

import (
	"cmp"
	"slices"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
)

// Nearness remembers which parts of which inputs workers had tasks of: these they
// have fetched, and likely have still. No worker reports it, so none can lie about it,
// and it may be forgotten at any time.
type Nearness struct {
	workers map[jobs.NodeID]*history
}

// history is what one worker had tasks of. It forgets the oldest inputs.
type history struct {
	parts map[blob.ID]blob.Bitmap
	order []blob.ID
}

// maxParts is into how many parts an input is divided, at most; a part is no
// smaller than the smallest piece. maxInputs and maxWorkers bound the memory: some
// 5 KB for each worker.
const (
	maxParts   = 1024
	maxInputs  = 32
	maxWorkers = 10_000
)

// NewNearness knows of nobody.
func NewNearness() *Nearness { return &Nearness{workers: map[jobs.NodeID]*history{}} }

// Note remembers that a worker got a task of a job.
func (n *Nearness) Note(worker jobs.NodeID, j *jobs.Job, place jobs.Place) {
	s, ok := spanOf(j, place)
	if !ok {
		return
	}
	h := n.workers[worker]
	if h == nil {
		if len(n.workers) >= maxWorkers {
			clear(n.workers)
		}
		h = &history{parts: map[blob.ID]blob.Bitmap{}}
		n.workers[worker] = h
	}
	had := h.take(s.input)
	for i := s.first; i <= s.last; i++ {
		had.Set(i)
	}
}

func (h *history) take(id blob.ID) blob.Bitmap {
	if had := h.parts[id]; had != nil {
		return had
	}
	if len(h.order) == maxInputs {
		delete(h.parts, h.order[0])
		h.order = h.order[1:]
	}
	had := blob.NewBitmap(maxParts)
	h.parts[id], h.order = had, append(h.order, id)
	return had
}

// of is how much of a span a worker had tasks of, in thousandths.
func (n *Nearness) of(worker jobs.NodeID, s span) int {
	h := n.workers[worker]
	if h == nil {
		return 0
	}
	had, count := h.parts[s.input], 0
	for i := s.first; i <= s.last; i++ {
		if had.Has(i) {
			count++
		}
	}
	return 1000 * count / (s.last - s.first + 1)
}

// span are the parts of an input that a task reads, from the first to the last.
type span struct {
	input       blob.ID
	first, last int
}

// spanOf finds a task's span, if its job's input is a blob. Where shards differ in
// size they are taken to lie where equal ones would.
func spanOf(j *jobs.Job, place jobs.Place) (s span, ok bool) {
	input := j.Spec.Input.Blob
	if input == nil {
		return span{}, false
	}
	n := int(min(maxParts, (input.Blob.Size-1)/blob.MinPiece+1))
	task, total := int(j.TaskAt(place)), j.Total()
	first := task * n / total
	return span{input.Blob.ID, first, max(first, ((task+1)*n-1)/total)}, true
}

// maxArranged bounds the workers among whom an owner's leases are exchanged, and so
// how long a plan takes.
const maxArranged = 64

// arrange exchanges leases among the workers of each owner, so that as many as
// possible go where much of their input is. How many each worker gets stays the
// same, and so does what the owner gets: that was chosen blindly, by chance and by
// trust alone, so an owner that knows what its machines have learns nothing of which
// leases are checks. Between owners nothing is exchanged for that reason, see
// RATIONALE.md.
func (p *planner) arrange() {
	groups := map[groupID][]int{}
	number := map[jobs.NodeID]groupID{}
	seen := map[jobs.OwnerID]int{}
	for i := range p.offers {
		o := &p.offers[i]
		number[o.Worker] = groupID{o.owner, seen[o.owner] / maxArranged}
		seen[o.owner]++
	}
	for i := range p.grants {
		id := number[p.grants[i].Worker]
		groups[id] = append(groups[id], i)
	}
	for _, group := range groups {
		p.arrangeGroup(group)
	}
}

type groupID struct {
	owner  jobs.OwnerID
	number int
}

// wish is a worker that has some of a task's input.
type wish struct {
	near   int
	grant  int
	worker jobs.NodeID
}

// attempted is a task of which one plan may give an owner several attempts.
type attempted struct {
	job   jobs.JobID
	place jobs.Place
}

// arrangeGroup leaves alone each task of which another worker of the owner's gets a
// repeated attempt: both must not go to one worker.
func (p *planner) arrangeGroup(grants []int) {
	room := map[jobs.NodeID]int{}
	var workers []jobs.NodeID
	for _, i := range grants {
		w := p.grants[i].Worker
		if room[w] == 0 {
			workers = append(workers, w)
		}
		room[w]++
	}
	if len(workers) < 2 {
		return
	}
	repeated := map[attempted]bool{}
	for _, i := range grants {
		if g := &p.grants[i]; g.Repeat {
			repeated[attempted{g.Job, g.Place}] = true
		}
	}
	var wishes []wish
	var moved []int
	for _, i := range grants {
		if g := &p.grants[i]; !repeated[attempted{g.Job, g.Place}] && p.mayMove(g, workers) {
			wishes, moved = append(wishes, p.wishes(i, workers)...), append(moved, i)
		} else {
			room[g.Worker]--
		}
	}
	slices.SortStableFunc(wishes, func(a, b wish) int { return cmp.Compare(b.near, a.near) })
	p.grantWishes(wishes, moved, workers, room)
}

// mayMove says whether any of these workers of one owner could have got a lease.
// They are all the same to a task, unless it asks for workers that were there before, for
// newer rules of counting fuel than some know, or for a better line than some have, or
// one of them gets nothing of the job or may still have the task from before.
func (p *planner) mayMove(g *jobs.Grant, workers []jobs.NodeID) bool {
	return !slices.ContainsFunc(workers, func(w jobs.NodeID) bool { return !p.mayHave(g, w) })
}

func (p *planner) mayHave(g *jobs.Grant, w jobs.NodeID) bool {
	j, probe := p.State.Jobs[g.Job], p.probes[g.Lease]
	open := j.Open[g.Place]
	switch {
	case !p.able(w, g.Job, j) || !p.hasLine(g.Job, w) || p.shuns(w, g.Job):
		return false
	case open != nil && open.MayHave(w):
		return false
	}
	return probe == nil || p.State.WasThere(probe, w)
}

// wishes are the workers that have some of the input, first the one that got the lease.
func (p *planner) wishes(grant int, workers []jobs.NodeID) (list []wish) {
	g := &p.grants[grant]
	s, ok := spanOf(p.State.Jobs[g.Job], g.Place)
	if !ok {
		return nil
	}
	add := func(w jobs.NodeID) {
		if near := p.Near.of(w, s); near > 0 {
			list = append(list, wish{near, grant, w})
		}
	}
	add(g.Worker)
	for _, w := range workers {
		if w != g.Worker {
			add(w)
		}
	}
	return list
}

// grantWishes gives as much as each worker has room for, the nearest first, and
// the rest to the worker it was planned for or, if that is full, to any.
func (p *planner) grantWishes(wishes []wish, moved []int, workers []jobs.NodeID, room map[jobs.NodeID]int) {
	done := map[int]bool{}
	give := func(grant int, w jobs.NodeID) {
		if !done[grant] && room[w] > 0 {
			p.grants[grant].Worker, done[grant] = w, true
			room[w]--
		}
	}
	for _, w := range wishes {
		give(w.grant, w.worker)
	}
	for _, i := range moved { // what is not given yet goes to the worker it was planned for
		give(i, p.grants[i].Worker)
	}
	for _, i := range moved {
		for _, w := range workers {
			give(i, w)
		}
	}
}
