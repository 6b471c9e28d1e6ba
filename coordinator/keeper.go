package coordinator

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/anthill-grid/anthill/coordinator/replica"
	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/internal/membership"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/jobs"
)

const (
	// keepEvery is the shortest time between two looks at the state.
	keepEvery = 20 * time.Millisecond
	// keepRetry is for how long the keeper leaves alone what it could not get,
	// keepRetryMax that for what it could not get again and again.
	keepRetry    = 500 * time.Millisecond
	keepRetryMax = 15 * time.Second
	// keepBatch bounds how many results are fetched in one go, keepLarge those
	// of more than a piece, and keepScan how many the state is held for.
	keepBatch = 256
	keepLarge = 8
	keepScan  = 4096
	// datasetsEvery is the shortest time between two looks at the datasets, of which
	// there may be thousands.
	datasetsEvery = 200 * time.Millisecond
	// loudEvery is the shortest time between two complaints.
	loudEvery = time.Minute
)

// keeper copies to this coordinator's disk what must outlive the nodes that
// have it: accepted results, and bundle and input of running jobs. What it has,
// it confirms to the leader.
type keeper struct {
	node    jobs.NodeID
	replica *replica.Replica
	store   *blobstore.Store
	swarm   *swarm.Swarm
	// confirm tells the leader what is held.
	confirm func(context.Context, jobs.ConfirmHeld) error
	// members are the nodes that gossip knows.
	members func() []membership.Member
	logger  *slog.Logger
	slots   *slots
	// copied is run's own.
	copied map[jobs.JobID]*progress

	mu     sync.Mutex
	inputs map[blob.ID]int // blobs of unfinished jobs, by the number of jobs
	taken  map[charge]*holding
	// rewound are the sequences from which on results are to be copied again.
	rewound map[jobs.JobID]int
	loud    time.Time // when it complained last
}

// progress is how far a job's results have been copied.
type progress struct {
	cursor int // in the job's order of results
	pause  time.Duration
	retry  time.Time // not before
	since  time.Time // when nothing of what was lacking could be had; zero: it could
}

// wanted is an accepted result that is to be copied.
type wanted struct {
	job       jobs.JobID
	sequence  uint32 // in the job's order of results
	output    blob.Ref
	holders   []jobs.NodeID    // who is known to have it
	providers []swarm.Provider // where they are, see locate
}

func newKeeper(c *Coordinator) *keeper {
	return &keeper{
		node: c.base.Identity.Node(), replica: c.replica, store: c.base.Store, swarm: c.base.Swarm,
		confirm: c.confirm, members: c.membership.Members, logger: c.cfg.Logger, slots: newSlots(),
		copied: map[jobs.JobID]*progress{}, inputs: map[blob.ID]int{}, taken: map[charge]*holding{},
		rewound: map[jobs.JobID]int{},
	}
}

// run copies until ctx ends.
func (k *keeper) run(ctx context.Context) {
	var inputs sync.WaitGroup
	defer inputs.Wait()
	inputs.Go(func() { k.scrub(ctx) })
	var looked time.Time
	for ctx.Err() == nil {
		changed := k.replica.Changed()
		k.keepJobs(ctx, &inputs)
		if time.Since(looked) >= datasetsEvery {
			k.keepDatasets(ctx, &inputs)
			looked = time.Now()
		}
		k.keepResults(ctx)
		sleep(ctx, keepEvery)
		select {
		case <-changed:
		case <-time.After(keepRetry):
		case <-ctx.Done():
		}
	}
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// keepResults copies what was accepted since the last time.
func (k *keeper) keepResults(ctx context.Context) {
	k.takeRewound()
	for _, id := range k.unread() {
		p := k.copied[id]
		if p == nil {
			p = &progress{}
			k.copied[id] = p
		}
		if !time.Now().Before(p.retry) {
			k.keepJob(ctx, id, p)
		}
	}
}

// unread are the jobs with results beyond the cursor.
func (k *keeper) unread() []jobs.JobID {
	var list []jobs.JobID
	k.replica.View(func(s *jobs.State) {
		for id, j := range s.Jobs {
			if p := k.copied[id]; len(j.Order) > 0 && (p == nil || p.cursor < len(j.Order)) {
				list = append(list, id)
			}
		}
	})
	return list
}

// keepJob copies a job's results as far as they can be had. What cannot must
// not hold up other jobs: it is left alone for a while, the longer the less
// comes of it.
func (k *keeper) keepJob(ctx context.Context, id jobs.JobID, p *progress) {
	for ctx.Err() == nil {
		list, next := k.pending(id, p.cursor)
		if next == p.cursor {
			return
		}
		held := k.fetch(ctx, list)
		err := k.confirmResults(ctx, id, held)
		switch {
		case err == nil && len(held) == len(list):
			p.cursor, p.pause, p.since = next, 0, time.Time{}
			continue
		case err != nil || len(held) > 0:
			p.pause, p.since = keepRetry, time.Time{}
		default:
			p.pause = min(max(2*p.pause, keepRetry), keepRetryMax)
			k.tellMissing(ctx, p, list)
		}
		p.retry = time.Now().Add(p.pause)
		return
	}
}

// pending are results from the cursor on that this coordinator has not got or
// not confirmed, and where the cursor is after them.
func (k *keeper) pending(id jobs.JobID, from int) (list []wanted, next int) {
	large := 0
	k.replica.View(func(s *jobs.State) {
		j := s.Jobs[id]
		end := min(len(j.Order), from+keepScan)
		for next = from; next < end && len(list) < keepBatch && large < keepLarge; next++ {
			if !j.Current(uint32(next)) {
				continue // taken back, or accepted anew further on
			}
			place := j.Order[next]
			output := j.Closed[place].Output
			if s.Holds(j, place, k.node) && k.store.Complete(output.ID) {
				k.store.Pin(output.ID) // held since before the start
				continue
			}
			if output.Size > blob.MinPiece {
				large++
			}
			list = append(list, wanted{job: id, sequence: uint32(next), output: output, holders: k.holders(s, j, place)})
		}
	})
	return list, next
}

// holders are other coordinators that hold a result, and the workers who
// computed it, where it was not safe yet or where nobody else is left.
func (k *keeper) holders(s *jobs.State, j *jobs.Job, place uint32) []jobs.NodeID {
	nodes := append([]jobs.NodeID(nil), j.Unheld[place]...)
	for _, id := range s.Holders {
		if id != k.node && s.Holds(j, place, id) {
			nodes = append(nodes, id)
		}
	}
	if len(nodes) == 0 {
		nodes = s.Supporters(j, place)
	}
	return nodes
}

// locate finds the holders on the network: where gossip says they are, or else
// where they enrolled. Those that are alive come first.
func (k *keeper) locate(list []wanted) {
	members := map[jobs.NodeID]membership.Member{}
	for _, m := range k.members() {
		members[m.Node] = m
	}
	k.replica.View(func(s *jobs.State) {
		for i := range list {
			list[i].providers = providers(s, members, list[i].holders)
		}
	})
}

// providers name the node that is to answer: gossip can be forged, and to ask
// for a result is to tell what it is.
func providers(s *jobs.State, members map[jobs.NodeID]membership.Member, nodes []jobs.NodeID) []swarm.Provider {
	var alive, others []swarm.Provider
	for _, id := range nodes {
		m, known := members[id]
		n := s.Nodes[id]
		switch {
		case known && m.Status == membership.Alive:
			alive = append(alive, swarm.Provider{Address: m.Address, Role: jobs.Worker, Node: id})
		case known:
			others = append(others, swarm.Provider{Address: m.Address, Role: jobs.Worker, Node: id})
		case n != nil && n.Address != "":
			others = append(others, swarm.Provider{Address: n.Address, Role: jobs.Worker, Node: id})
		}
	}
	return append(alive, others...)
}

// fetch brings results to the disk and returns those that are there then.
func (k *keeper) fetch(ctx context.Context, list []wanted) []wanted {
	k.locate(list)
	var held, small, large []wanted
	for _, w := range list {
		switch {
		case k.store.Complete(w.output.ID):
			k.store.Pin(w.output.ID)
			held = append(held, w)
		case w.output.Size <= blob.MinPiece:
			small = append(small, w)
		default:
			large = append(large, w)
		}
	}
	held = append(held, k.fetchSmall(ctx, small)...)
	return append(held, k.fetchLarge(ctx, large)...)
}

// fetchLarge fetches side by side, so that one dead holder costs its silence
// only once.
func (k *keeper) fetchLarge(ctx context.Context, list []wanted) []wanted {
	ok := make([]bool, len(list))
	var copies sync.WaitGroup
	for i, w := range list {
		copies.Go(func() { ok[i] = k.copyLarge(ctx, w) })
	}
	copies.Wait()
	var held []wanted
	for i, w := range list {
		if ok[i] {
			held = append(held, w)
		}
	}
	return held
}

func (k *keeper) copyLarge(ctx context.Context, w wanted) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if _, err := k.swarm.Fetch(ctx, w.output.ID, 0, -1, w.providers); err != nil {
		k.failed("copy result", err, false, "job", w.job, "sequence", w.sequence)
		return false
	}
	k.store.Pin(w.output.ID)
	if err := k.store.Sync(w.output.ID); err != nil {
		k.logger.Error("copy result", "job", w.job, "sequence", w.sequence, "error", err)
		return false
	}
	return true
}

// failed logs what is tried again: loudly where it was here once, or where it is
// this coordinator's disk that is full, since only its operator can help. But a lost
// disk has many blobs, and one word a minute is enough.
func (k *keeper) failed(what string, err error, lost bool, about ...any) {
	full := errors.Is(err, blobstore.ErrFull)
	if (lost || full) && k.complains() {
		k.logger.Error(what, append(about, "lost", lost, "error", err)...)
		return
	}
	k.logger.Debug(what, append(about, "error", err)...)
}

// complains says whether it is time for another complaint.
func (k *keeper) complains() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if time.Since(k.loud) < loudEvery {
		return false
	}
	k.loud = time.Now()
	return true
}

// fetchSmall asks the holders of small results, for many in one stream. All are
// stored together.
func (k *keeper) fetchSmall(ctx context.Context, list []wanted) []wanted {
	data := make([][]byte, len(list))
	for round := 0; k.askHolders(ctx, round, list, data); round++ {
	}
	return k.storeAll(list, data)
}

// askHolders asks the holder whose turn it is for each result that is still
// missing, all of them side by side, and says whether there was anybody to ask.
func (k *keeper) askHolders(ctx context.Context, round int, list []wanted, data [][]byte) bool {
	places := map[swarm.Provider][]int{}
	for i, w := range list {
		if data[i] == nil && w.output.Size > 0 && round < len(w.providers) {
			holder := w.providers[round]
			places[holder] = append(places[holder], i)
		}
	}
	var asked sync.WaitGroup
	for holder, at := range places {
		asked.Go(func() { k.ask(ctx, holder, at, list, data) })
	}
	asked.Wait()
	return len(places) > 0
}

// ask fills in what one peer has of the results at these places.
func (k *keeper) ask(ctx context.Context, holder swarm.Provider, places []int, list []wanted, data [][]byte) {
	ids := make([]blob.ID, len(places))
	for n, i := range places {
		ids[n] = list[i].output.ID
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	got, _, err := k.swarm.FetchSmall(ctx, ids, []swarm.Provider{holder})
	if err != nil {
		k.logger.Debug("copy results", "from", holder.Address, "error", err)
	}
	for n, d := range got {
		data[places[n]] = d
	}
}

func (k *keeper) storeAll(list []wanted, data [][]byte) []wanted {
	var held []wanted
	var blobs [][]byte
	for i, w := range list {
		if data[i] != nil || w.output.Size == 0 {
			held, blobs = append(held, w), append(blobs, data[i])
		}
	}
	if len(blobs) == 0 {
		return nil
	}
	if _, err := k.store.PutMany(blobs); err != nil {
		k.logger.Error("store results", "error", err)
		return nil
	}
	for _, w := range held {
		k.store.Pin(w.output.ID)
	}
	return held
}

func (k *keeper) confirmResults(ctx context.Context, id jobs.JobID, held []wanted) error {
	if len(held) == 0 {
		return nil
	}
	h := jobs.HeldResults{Job: id}
	for _, w := range held {
		h.Sequences = append(h.Sequences, w.sequence)
	}
	return k.confirm(ctx, jobs.ConfirmHeld{Coordinator: k.node, Results: []jobs.HeldResults{h}})
}

// Store implements rpc.Results. What of it turns out to be no result is not
// pinned, and goes when the room is needed.
func (k *keeper) Store(outputs [][]byte) error {
	_, err := k.store.PutMany(outputs)
	return err
}

// Result implements rpc.Results.
func (k *keeper) Result(ref blob.Ref) ([]byte, bool) {
	if !k.store.Complete(ref.ID) {
		return nil, false
	}
	if ref.Size > blob.MinPiece {
		return nil, true
	}
	data, err := k.store.ReadRange(ref.ID, 0, -1)
	if err != nil {
		k.logger.Warn("read result", "blob", ref.ID, "error", err)
		return nil, false
	}
	return data, true
}
