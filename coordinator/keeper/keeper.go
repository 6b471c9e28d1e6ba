package keeper

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
	copiers sync.WaitGroup
	landed  chan struct{} // news for Run: a flight has ended
	// every is reviewEvery, and least is leastPatience, but in tests.
	every, least time.Duration

	// What follows is Run's own: how far the results of jobs are, what is on its way (by
	// the blob, if it is a large one) and from where, and what is here and is still to be
	// confirmed.
	courses map[jobs.JobID]*course
	flights []*flight
	copies  map[blob.ID]*flight
	smalls  map[blob.ID]bool
	origins map[string]*origin
	lines   lines
	here    []*errand
	round   int
	estates map[jobs.JobID]*estate
	waste   []blob.ID // to be deleted, unless somebody else needs it
	// denyRevision is that of the grid's deny list by which blobs are barred here.
	denyRevision uint64
	// home is for how long nothing is fetched, after trouble of this coordinator's own,
	// and unheard for how long nothing is confirmed. What was lacked before excused
	// counts for nothing.
	home, unheard     backoff
	excused, reviewed time.Time
	lacked            time.Time     // when inputs were last looked at that nobody has
	away              []jobs.NodeID // coordinators, as of the last review

	mu    sync.Mutex
	taken map[charge]*holding
	// rewound are the sequences from which on results are to be copied again.
	rewound map[jobs.JobID]jobs.Sequence
	demands map[jobs.JobID]time.Time // see Demand
	loud    time.Time                // when it complained last
	full    time.Time                // when the disk took no more last
	copying map[jobs.JobID]*Copying  // as of the last review
	roll    roll
	told    told
}

// Config is what a keeper works with.
type Config struct {
	Node    jobs.NodeID // this coordinator
	Replica *replica.Replica
	Store   *blobstore.Store
	Swarm   *swarm.Swarm
	// Confirm tells the leader what is held, and returns once that is committed.
	Confirm func(context.Context, jobs.ConfirmHeld) error
	// Leads says whether this coordinator gives out the tasks now; nil: it never does.
	Leads func() bool
	// Ready is called when tasks can be run that could not before; nil: nobody wants
	// to know.
	Ready func()
	// Members are the nodes that gossip knows. It is asked while the state is looked at.
	Members func() []membership.Member
	// Workers are the live workers, and where they serve what they have.
	Workers func(context.Context) map[jobs.NodeID]string
	// Granted says whether a grant that a node shows is good for a blob; nil: none is.
	Granted func(node jobs.NodeID, id blob.ID, grant []byte) bool
	// Spent is why the line may carry no more, or nil.
	Spent  func() error
	Logger *slog.Logger
}

// New makes a keeper that holds nothing until it runs.
func New(cfg Config) *Keeper {
	if cfg.Leads == nil {
		cfg.Leads = func() bool { return false }
	}
	if cfg.Ready == nil {
		cfg.Ready = func() {}
	}
	return &Keeper{
		cfg: cfg, turns: newTurns(), landed: make(chan struct{}, 1), every: reviewEvery, least: leastPatience,
		courses: map[jobs.JobID]*course{}, copies: map[blob.ID]*flight{}, smalls: map[blob.ID]bool{}, origins: map[string]*origin{}, estates: map[jobs.JobID]*estate{}, reviewed: time.Now(),
		taken:   map[charge]*holding{},
		rewound: map[jobs.JobID]jobs.Sequence{}, demands: map[jobs.JobID]time.Time{},
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
		k.keepAway()
		k.keepJobs(ctx, &inputs)
		if time.Since(looked) >= datasetsEvery {
			k.keepDatasets(ctx, &inputs)
			looked = time.Now()
		}
		k.keepResults(ctx)
		k.tellLacking(ctx)
		k.discard()
		sleep(ctx, keepEvery)
		select {
		case <-changed:
		case <-k.landed:
		case <-time.After(retryMin):
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

// failed logs what failed and is tried again: loudly where only this coordinator's
// operator can help. But a lost disk has many blobs, and one complaint a minute is enough.
func (k *Keeper) failed(what string, err error, loud bool, about ...any) {
	what = "failed to " + what
	if errors.Is(err, blobstore.ErrFull) {
		k.noteFull()
	}
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
