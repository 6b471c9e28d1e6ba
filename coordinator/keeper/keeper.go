package keeper

import (
	"context"
	"errors"
	"log/slog"
	"slices"
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
	// keepTurn is how long a job's results are waited for until others have their turn.
	keepTurn = time.Minute
	// datasetsEvery is the shortest time between two looks at the datasets, of which
	// there may be thousands.
	datasetsEvery = 200 * time.Millisecond
	// loudEvery is the shortest time between two complaints.
	loudEvery = time.Minute
)

// Keeper copies to this coordinator's disk what must outlive the nodes that
// have it: accepted results, and bundle and input of running jobs. What it has,
// it confirms to the leader.
type Keeper struct {
	cfg     Config
	turns   *turns
	turn    time.Duration // is keepTurn but in tests
	copiers sync.WaitGroup
	// copied and copies are Run's own.
	copied map[jobs.JobID]*progress
	copies map[blob.ID]*copying

	mu     sync.Mutex
	inputs map[blob.ID]int // blobs of unfinished jobs, by the number of jobs
	taken  map[charge]*holding
	// rewound are the sequences from which on results are to be copied again.
	rewound map[jobs.JobID]jobs.Sequence
	loud    time.Time // when it complained last
}

// progress is how far a job's results have been copied: those before the cursor, but
// for those that are behind.
type progress struct {
	cursor jobs.Sequence // in the job's order of results
	backoff
	behind lagging
	// large are the results of more than a piece that are pinned, by their places.
	large map[jobs.Place]blob.ID
}

// supersede notes that a large result is pinned, and lets go what was accepted before of
// the same task: it may be what a liar made up. What is pinned for the second time is
// so once.
func (k *Keeper) supersede(id jobs.JobID, place jobs.Place, output blob.Ref) {
	p := k.copied[id]
	if !isLarge(output) || p == nil {
		return
	}
	if old, known := p.large[place]; known {
		k.cfg.Store.Unpin(old)
	}
	p.large[place] = output.ID
}

// backoff is for how long something is left alone.
type backoff struct {
	pause time.Duration
	retry time.Time // not before
}

func (b *backoff) wait(d time.Duration) { b.pause, b.retry = d, time.Now().Add(d) }

func (b *backoff) over() bool { return !time.Now().Before(b.retry) }

// wanted is an accepted result that is to be copied.
type wanted struct {
	job       jobs.JobID
	sequence  jobs.Sequence // in the job's order of results
	place     jobs.Place    // of the task
	output    blob.Ref
	unheld    bool             // no coordinator has it, and the job runs
	holders   []jobs.NodeID    // who is known to have it
	providers []swarm.Provider // where they are, see locate
}

// Config is what a keeper works with.
type Config struct {
	Node    jobs.NodeID // this coordinator
	Replica *replica.Replica
	Store   *blobstore.Store
	Swarm   *swarm.Swarm
	// Confirm tells the leader what is held, and returns once that is committed.
	Confirm func(context.Context, jobs.ConfirmHeld) error
	// Members are the nodes that gossip knows.
	Members func() []membership.Member
	// Spent is why the line may carry no more, or nil.
	Spent  func() error
	Logger *slog.Logger
}

// New makes a keeper that holds nothing until it runs.
func New(cfg Config) *Keeper {
	return &Keeper{
		cfg: cfg, turns: newTurns(), turn: keepTurn,
		copied: map[jobs.JobID]*progress{}, copies: map[blob.ID]*copying{},
		inputs: map[blob.ID]int{}, taken: map[charge]*holding{}, rewound: map[jobs.JobID]jobs.Sequence{},
	}
}

// Run copies until ctx ends.
func (k *Keeper) Run(ctx context.Context) {
	var inputs sync.WaitGroup
	defer inputs.Wait()
	defer k.copiers.Wait()
	inputs.Go(func() { k.scrub(ctx) })
	var looked time.Time
	for ctx.Err() == nil {
		changed := k.cfg.Replica.Changed()
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
func (k *Keeper) keepResults(ctx context.Context) {
	k.takeRewound()
	for _, id := range k.unread() {
		p := k.copied[id]
		if p == nil {
			p = &progress{large: map[jobs.Place]blob.ID{}}
			k.copied[id] = p
		}
		for p.over() && k.keepFresh(ctx, id, p) {
		}
		if len(p.behind.list) > 0 && p.behind.over() && ctx.Err() == nil {
			k.catchUp(ctx, id, &p.behind)
		}
	}
}

// unread are the jobs with results beyond the cursor, or behind.
func (k *Keeper) unread() []jobs.JobID {
	var list []jobs.JobID
	k.cfg.Replica.View(func(s *jobs.State) {
		for id, j := range s.Jobs {
			if p := k.copied[id]; len(j.Order) > 0 && (p == nil || int(p.cursor) < len(j.Order) || len(p.behind.list) > 0) {
				list = append(list, id)
			}
		}
	})
	return list
}

// keepFresh copies a job's next results as far as they can be had, and says whether to
// go on. What cannot be had must hold up neither other jobs, who have their turn now,
// nor what comes after it. What fails here is tried again from the cursor on.
func (k *Keeper) keepFresh(ctx context.Context, id jobs.JobID, p *progress) bool {
	list, next := k.pending(id, p.cursor)
	if next == p.cursor {
		return false
	}
	held, trouble, err := k.copyResults(ctx, id, list)
	switch {
	case ctx.Err() != nil:
		return false
	case err != nil:
		p.wait(keepRetry)
		return false
	case trouble != nil:
		k.failed("copy results", trouble, true, "job", id)
		p.wait(retryAfter(trouble, p.pause))
		return false
	}
	p.cursor, p.pause = next, 0
	return p.behind.leave(list, held) == 0
}

// pending are results from the cursor on that this coordinator has not got or
// not confirmed, and where the cursor is after them.
func (k *Keeper) pending(id jobs.JobID, from jobs.Sequence) (list []wanted, next jobs.Sequence) {
	n := 0
	k.cfg.Replica.View(func(s *jobs.State) {
		list, n = k.pick(s, id, len(s.Jobs[id].Order)-int(from), func(i int) jobs.Sequence { return from + jobs.Sequence(i) })
	})
	return list, from + jobs.Sequence(n)
}

// pick takes of n of a job's results as many as one turn can copy of those that are
// wanted, and says how many it went through.
func (k *Keeper) pick(s *jobs.State, id jobs.JobID, n int, sequence func(i int) jobs.Sequence) (list []wanted, seen int) {
	large := 0
	for ; seen < min(n, keepScan) && len(list) < keepBatch && large < keepLarge; seen++ {
		if !s.Jobs[id].Current(sequence(seen)) {
			continue // taken back, or accepted anew further on
		}
		w, lacks := k.want(s, id, sequence(seen))
		if !lacks {
			continue
		}
		list = append(list, w)
		if isLarge(w.output) {
			large++
		}
	}
	return list, seen
}

// copyResults copies and confirms what can be had of some results: what is held, what
// trouble this coordinator itself had, and why it could not be confirmed.
func (k *Keeper) copyResults(ctx context.Context, id jobs.JobID, list []wanted) (held []wanted, trouble, err error) {
	held, trouble = k.fetch(ctx, list)
	for _, w := range held {
		k.supersede(id, w.place, w.output)
	}
	return held, trouble, k.confirmResults(ctx, id, held)
}

// want is a current result, unless this coordinator has got it and said so: then it is
// from before the start.
func (k *Keeper) want(s *jobs.State, id jobs.JobID, sequence jobs.Sequence) (w wanted, lacks bool) {
	j := s.Jobs[id]
	place := j.Order[sequence]
	output := j.Closed[place].Output
	if s.Holds(j, place, k.cfg.Node) && k.cfg.Store.Complete(output.ID) {
		k.cfg.Store.Pin(output.ID)
		k.supersede(id, place, output)
		return wanted{}, false
	}
	return wanted{
		job: id, sequence: sequence, place: place, output: output, holders: k.holders(s, j, place),
		unheld: j.State == jobs.JobRunning && j.Closed[place].Holders == 0,
	}, true
}

// isLarge tells whether a result has more than a piece.
func isLarge(output blob.Ref) bool { return output.Size > blob.MinPiece }

// holders are other coordinators that hold a result, and the workers who
// computed it, where it was not safe yet or where nobody else is left. A large one is
// asked of all coordinators: where this one cannot reach the worker, pieces may come to
// another.
func (k *Keeper) holders(s *jobs.State, j *jobs.Job, place jobs.Place) []jobs.NodeID {
	nodes := slices.Clone(j.Unheld[place])
	held, large := false, isLarge(j.Closed[place].Output)
	for _, id := range s.Holders {
		holds := id != k.cfg.Node && s.Holds(j, place, id)
		held = held || holds
		if holds || large && id != k.cfg.Node {
			nodes = append(nodes, id)
		}
	}
	if len(j.Unheld[place]) == 0 && !held {
		nodes = append(nodes, s.Supporters(j, place)...)
	}
	return nodes
}

// locate finds the holders on the network: where gossip says they are, or else
// where they enrolled. Those that are alive come first.
func (k *Keeper) locate(list []wanted) {
	members := map[jobs.NodeID]membership.Member{}
	for _, m := range k.cfg.Members() {
		members[m.Node] = m
	}
	k.cfg.Replica.View(func(s *jobs.State) {
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

// failed logs what is tried again: loudly where only this coordinator's operator can
// help. But a lost disk has many blobs, and one word a minute is enough.
func (k *Keeper) failed(what string, err error, loud bool, about ...any) {
	if (loud || errors.Is(err, blobstore.ErrFull)) && k.complains() {
		k.cfg.Logger.Error(what, append(about, "error", err)...)
		return
	}
	k.cfg.Logger.Debug(what, append(about, "error", err)...)
}

// complains says whether it is time for another complaint.
func (k *Keeper) complains() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if time.Since(k.loud) < loudEvery {
		return false
	}
	k.loud = time.Now()
	return true
}

func (k *Keeper) confirmResults(ctx context.Context, id jobs.JobID, held []wanted) error {
	if len(held) == 0 {
		return nil
	}
	h := jobs.HeldResults{Job: id}
	for _, w := range held {
		h.Sequences = append(h.Sequences, w.sequence)
	}
	return k.cfg.Confirm(ctx, jobs.ConfirmHeld{Coordinator: k.cfg.Node, Results: []jobs.HeldResults{h}})
}

// Store implements rpc.Results. What of it turns out to be no result is not
// pinned, and goes when the room is needed.
func (k *Keeper) Store(outputs [][]byte) error {
	_, err := k.cfg.Store.PutMany(outputs)
	return err
}

// Result implements rpc.Results.
func (k *Keeper) Result(ref blob.Ref) ([]byte, bool) {
	if !k.cfg.Store.Complete(ref.ID) {
		return nil, false
	}
	if isLarge(ref) {
		return nil, true
	}
	data, err := k.cfg.Store.ReadRange(ref.ID, 0, -1)
	if err != nil {
		k.cfg.Logger.Warn("read result", "blob", ref.ID, "error", err)
		return nil, false
	}
	return data, true
}
