// Package placement decides which worker tries which task. It is pure: it sees
// the state and the offers, and plans grants that jobs.State checks again one
// by one when they are applied.
package placement

import (
	"math"
	"slices"

	"github.com/anthill-grid/anthill/jobs"
)

// Offer is a worker asking for work.
type Offer struct {
	Worker   jobs.NodeID
	Capacity int // leases that it can take now
}

// Request is all that a plan depends on.
type Request struct {
	State  *jobs.State
	Offers []Offer
	// Live are the workers heard of lately, those that offer and those that
	// are busy.
	Live []jobs.NodeID
	// Outdated are those who can count fuel only by the oldest rules.
	Outdated map[jobs.NodeID]bool
	// Now is the time by which owners rest; zero: that of the state, which stands still
	// while nothing happens.
	Now jobs.Time
	// Early: there may be others who could not be heard of yet.
	Early bool
	// NewLease gives a fresh random id.
	NewLease func() jobs.LeaseID
	// Draw gives a random number of at least 0 and below n: nobody must know
	// who will check whom.
	Draw func(n int) int
	// Near remembers what workers had tasks of; nil is nothing.
	Near *Nearness
	// Ready is below which place the tasks of a job can be run, since a coordinator
	// has what they read; nil: all of them can. A job of which none can costs nothing.
	Ready func(*jobs.State, jobs.JobID) jobs.Place
	// Shuns says that a worker is to get nothing of a job now; nil: it never is.
	Shuns func(jobs.NodeID, jobs.JobID) bool
	// Terms are on what the workers' donors lend them; what is not there is the zero value.
	Terms map[jobs.NodeID]Terms
	// Declines says that a worker's donor has ruled a job out; nil: none has.
	Declines func(jobs.NodeID, jobs.JobID) bool
	// Lines remembers how fast workers hand out large results; nil: all are fast.
	Lines *Lines
	// Shares remembers what owners of jobs are owed; nil: nothing.
	Shares *Shares
	// Rates remembers how many checks results need; nil: it is reckoned for each plan.
	Rates jobs.Rates
}

// Able are the live workers that can run tasks of a job, and may.
func (r Request) Able(id jobs.JobID, j *jobs.Job) []jobs.NodeID {
	return slices.DeleteFunc(slices.Clone(r.Live), func(worker jobs.NodeID) bool { return !r.able(worker, id, j) })
}

// able says whether a worker can count the job's fuel, which all can by the oldest rules,
// and whether its donor lends it for the job, with as much memory as a task takes.
func (r Request) able(worker jobs.NodeID, id jobs.JobID, j *jobs.Job) bool {
	if j.Spec.Metering > jobs.OldestMetering && r.Outdated[worker] || r.declines(worker, id) {
		return false
	}
	t := r.terms(worker)
	return t.Wants(j.Owner) && t.Holds(footprint(j))
}

// MaxGrants bounds one plan, so that it fits into one log entry.
const MaxGrants = 2000

// openTasks bounds how many tasks of a job are open at once for each live
// worker, so that a fast worker does not open a million tasks that wait for a
// second opinion.
const openTasks = 64

// MaxHeld bounds the leases of one worker: one that takes tasks and never reports must
// not get all there are.
const MaxHeld = 1024

// Plan gives work out in rounds, one lease for each offer, so that the
// attempts at a task go to different workers. Within a round a worker gets a
// task of the owner whose turn it is, see Shares, and of this owner's job that has the
// fewest attempts under way: one that waits for an attempt, if there is none a second
// opinion on what another has done, and if that is worth less than a fresh task, a fresh
// one. What an owner of workers gets in this way is then exchanged among them, so that
// they get tasks whose input they have.
func Plan(r Request) []jobs.Grant {
	p := newPlanner(r)
	p.plan()
	p.remember()
	if p.Near != nil {
		p.arrange()
	}
	return p.grants
}

func (p *planner) plan() {
	for progress := true; progress; {
		progress = false
		for i := range p.offers {
			if len(p.grants) >= MaxGrants {
				return
			}
			progress = p.serve(&p.offers[i]) || progress
		}
	}
}

type planner struct {
	Request
	offers []offer
	jobs   []*jobPlan
	crews  map[jobs.JobID]*crew // see liveOwners
	// largest is the footprint of the largest of the tasks.
	largest int64
	grants  []jobs.Grant
	probes  map[jobs.LeaseID]*jobs.Task // by the leases that are some
	// shares are the owners of the jobs, and weights the sum of their weights.
	shares  map[jobs.OwnerID]*share
	weights int64
	// had are the tired owners who have had their lease.
	had map[jobs.OwnerID]bool
}

type offer struct {
	Offer
	owner jobs.OwnerID
	// seen[job] counts the open tasks that were looked at for this offer:
	// what did not fit once does not fit later in the same plan.
	seen map[*jobPlan]int
	// inHand is how many bytes of large results it has to send; -1: not reckoned yet.
	inHand int64
	// memory is how much its leases take, and lent how much they may; -1: not reckoned yet.
	memory, lent int64
}

type jobPlan struct {
	id      jobs.JobID
	job     *jobs.Job
	share   *share // the owner's
	running int
	// tasks are those that were found to want attempts, and eager finds the next.
	tasks []*taskPlan
	eager *jobs.Eager
	next  jobs.Place
	ready jobs.Place // below it tasks can be run
	// open counts the open tasks, except those that are late: a worker that takes tasks
	// and keeps them must not keep others from opening any. Those that are to be found
	// yet, and that nobody is at, are not counted.
	open int
	// footprint is how much memory a task takes.
	footprint int64
	// checks is nil under fixed replication.
	checks *jobs.CheckPlan
}

type taskPlan struct {
	place jobs.Place
	want  int
	task  jobs.Task // with the attempts that this plan adds
	// probe: the task has its result, and owners that may be liars too are asked.
	probe bool
}

func newPlanner(r Request) *planner {
	p := &planner{Request: r, crews: map[jobs.JobID]*crew{}, probes: map[jobs.LeaseID]*jobs.Task{}, shares: map[jobs.OwnerID]*share{}, had: map[jobs.OwnerID]bool{}}
	if p.Rates == nil {
		p.Rates = jobs.Rates{}
	}
	for _, o := range r.Offers {
		if n := p.worker(o.Worker); n != nil {
			o.Capacity = min(fit(o.Capacity, n), MaxHeld-p.State.Holding(o.Worker))
			if p.rests(n.Owner) {
				continue
			}
			p.offers = append(p.offers, offer{Offer: o, owner: n.Owner, seen: map[*jobPlan]int{}, inHand: -1, memory: -1})
		}
	}
	for _, id := range r.State.Running() {
		if ready := p.ready(id); ready > 0 && !r.State.Jobs[id].Conceded && r.State.HasRoom(r.State.Jobs[id]) {
			jp := planJob(r.State, id, ready, p.Rates)
			jp.share = p.shareOf(jp.job.Owner)
			p.jobs, p.largest = append(p.jobs, jp), max(p.largest, jp.footprint)
		}
	}
	for _, id := range r.State.Running() {
		j := r.State.Jobs[id]
		if s := p.shares[j.Owner]; s != nil {
			s.held += int64(r.State.GoingOn(j))
		}
	}
	return p
}

// rests says whether an owner gets nothing, since it takes and does not deliver.
func (p *planner) rests(id jobs.OwnerID) bool {
	return p.State.Resting(id, max(p.Now, p.State.Now))
}

func (p *planner) ready(id jobs.JobID) jobs.Place {
	if p.Ready == nil {
		return math.MaxUint32
	}
	return p.Ready(p.State, id)
}

func (p *planner) shuns(worker jobs.NodeID, id jobs.JobID) bool {
	return p.Shuns != nil && p.Shuns(worker, id)
}

// fit is the part of a worker's capacity that its reliability is worth: one that
// often ends without a vote gets less to lose.
func fit(capacity int, n *jobs.Node) int {
	return min(capacity, max(1, int(int64(capacity)*int64(n.Reliability)/int64(jobs.One))))
}

// worker is an enrolled worker that may get work, or nil.
func (p *planner) worker(id jobs.NodeID) *jobs.Node {
	n := p.State.Nodes[id]
	if n == nil || n.Role != jobs.Worker || p.State.ShutOut(id) != "" {
		return nil
	}
	return n
}

func planJob(s *jobs.State, id jobs.JobID, ready jobs.Place, rates jobs.Rates) *jobPlan {
	j := s.Jobs[id]
	jp := &jobPlan{id: id, job: j, next: j.Next, ready: ready, footprint: footprint(j), running: j.Running(), open: s.GoingOnAt(j), eager: s.Eager(j)}
	if !j.Spec.Trust.Fixed() {
		jp.checks = s.PlanChecks(j, rates)
	}
	return jp
}

// find adds the next open task that wants attempts, and says whether there was one.
func (jp *jobPlan) find(s *jobs.State) bool {
	for {
		place, ok := jp.eager.Next()
		if !ok {
			return false
		}
		t := jp.job.Open[place]
		v := s.Judge(jp.job, t)
		if v.Want > 0 && !s.GoesOn(jp.job, t) {
			jp.open++
		}
		if v.Want > 0 && place < jp.ready {
			tp := newTaskPlan(place, v.Want, t.Attempts)
			tp.probe, tp.task.Exposed = v.Kind == jobs.Agreed || v.Kind == jobs.Failed, t.Exposed
			jp.tasks = append(jp.tasks, tp)
			return true
		}
	}
}

func newTaskPlan(place jobs.Place, want int, attempts []jobs.Attempt) *taskPlan {
	return &taskPlan{place: place, want: want, task: jobs.Task{Attempts: slices.Clip(attempts)}}
}

// serve gives one lease to an offer, if there is any for it.
func (p *planner) serve(o *offer) bool {
	if o.Capacity <= 0 || p.had[o.owner] {
		return false
	}
	slices.SortStableFunc(p.jobs, before)
	for _, jp := range p.jobs {
		if !p.able(o.Worker, jp.id, jp.job) || p.shuns(o.Worker, jp.id) || p.overloads(jp, o) {
			continue
		}
		if crowds, only := p.crowds(jp, o); only {
			break
		} else if crowds {
			continue
		}
		if t, repeat := p.task(jp, o); t != nil {
			p.give(jp, t, o, repeat)
			return true
		}
	}
	o.Capacity = 0
	return false
}

func (p *planner) task(jp *jobPlan, o *offer) (t *taskPlan, repeat bool) {
	if t, repeat = p.waiting(jp, o); t != nil {
		if jp.checks != nil {
			jp.checks.Take(t.place)
		}
		return t, repeat
	}
	if t = p.second(jp, o); t != nil {
		return t, false
	}
	return p.fresh(jp, o), false
}

// waiting is an open task that an attempt is asked for.
func (p *planner) waiting(jp *jobPlan, o *offer) (t *taskPlan, repeat bool) {
	seen := o.seen[jp]
	defer func() { o.seen[jp] = seen }()
	for ; seen < len(jp.tasks) || jp.find(p.State); seen++ {
		t := jp.tasks[seen]
		if t.want == 0 || t.probe && !p.State.WasThere(&t.task, o.Worker) || p.holdsUp(jp, t, o.Worker) {
			continue
		}
		if p.State.MayAttempt(jp.job, &t.task, o.Worker, o.owner, false) {
			return t, false
		}
		if !p.Early && p.nobodyElse(jp, t) && p.State.MayAttempt(jp.job, &t.task, o.Worker, o.owner, true) {
			return t, true
		}
	}
	return nil, false
}

// second is a task for a second opinion, if that is worth more than a fresh
// result.
func (p *planner) second(jp *jobPlan, o *offer) *taskPlan {
	if jp.checks == nil {
		return nil
	}
	place, ok := jp.checks.Exam(o.Worker, p.Draw)
	if !ok && jp.checks.Behind() {
		place, ok = jp.checks.Check(o.Worker, p.likeness, p.Draw)
	}
	if !ok || place >= jp.ready {
		return nil
	}
	return &taskPlan{place: place, want: 1}
}

// fresh opens a task, if not too many are open.
func (p *planner) fresh(jp *jobPlan, o *offer) *taskPlan {
	if int(jp.next) >= jp.job.Total() || jp.next >= jp.ready || jp.open >= openTasks*max(1, len(p.Live)) {
		return nil
	}
	want := 1
	if jp.checks == nil {
		want = int(jp.job.Spec.Trust.Replicas)
	} else {
		jp.checks.Begin(jp.next, o.Worker)
	}
	t := newTaskPlan(jp.next, want, nil)
	jp.next++
	jp.open++
	jp.tasks = append(jp.tasks, t)
	return t
}

func (p *planner) give(jp *jobPlan, t *taskPlan, o *offer, repeat bool) {
	lease := p.NewLease()
	if n := p.State.Owners[o.owner]; n != nil && n.Tired() {
		p.had[o.owner] = true
	}
	p.grants = append(p.grants, jobs.Grant{Lease: lease, Job: jp.id, Place: t.place, Worker: o.Worker, Repeat: repeat})
	if t.probe {
		p.probes[lease] = &t.task
	}
	t.task.Attempts = append(t.task.Attempts, jobs.Attempt{Lease: lease, Worker: o.Worker, Owner: o.owner, State: jobs.AttemptRunning})
	t.want--
	jp.running++
	p.pay(jp)
	o.Capacity--
	if o.memory >= 0 {
		o.memory += jp.footprint
	}
	if o.inHand >= 0 {
		o.inHand += p.Lines.mean(jp.id)
	}
}
