// Package placement decides which worker tries which task. It is pure: it sees
// the state and the offers, and plans grants that jobs.State checks again one
// by one when they are applied.
package placement

import (
	"cmp"
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
	// NewLease gives a fresh random id.
	NewLease func() jobs.LeaseID
}

// MaxGrants bounds one plan, so that it fits into one log entry.
const MaxGrants = 2000

// openTasks bounds how many tasks of a job are open at once for each live
// worker, so that a fast worker does not open a million tasks that wait for a
// second opinion.
const openTasks = 64

// Plan gives work out in rounds, one lease for each offer, so that the
// attempts at a task go to different workers. Within a round a worker gets a
// task of the job that has the fewest attempts under way.
func Plan(r Request) []jobs.Grant {
	p := newPlanner(r)
	for progress := true; progress; {
		progress = false
		for i := range p.offers {
			if len(p.grants) >= MaxGrants {
				return p.grants
			}
			progress = p.place(&p.offers[i]) || progress
		}
	}
	return p.grants
}

type planner struct {
	Request
	offers []offer
	jobs   []*jobPlan
	owners map[jobs.OwnerID]bool // with a live worker that is not banned
	grants []jobs.Grant
}

type offer struct {
	Offer
	owner jobs.OwnerID
	// seen[job] counts the open tasks that were looked at for this offer:
	// what did not fit once does not fit later in the same plan.
	seen map[*jobPlan]int
}

type jobPlan struct {
	id      jobs.JobID
	job     *jobs.Job
	running int
	tasks   []*taskPlan
	next    uint32
	open    int
}

type taskPlan struct {
	index uint32
	want  int
	task  jobs.Task // with the attempts that this plan adds
}

func newPlanner(r Request) *planner {
	p := &planner{Request: r, owners: map[jobs.OwnerID]bool{}}
	for _, id := range r.Live {
		if n := p.worker(id); n != nil {
			p.owners[n.Owner] = true
		}
	}
	for _, o := range r.Offers {
		if n := p.worker(o.Worker); n != nil {
			p.owners[n.Owner] = true
			p.offers = append(p.offers, offer{Offer: o, owner: n.Owner, seen: map[*jobPlan]int{}})
		}
	}
	for _, id := range r.State.Running() {
		p.jobs = append(p.jobs, planJob(id, r.State.Jobs[id]))
	}
	return p
}

// worker is an enrolled worker that may get work, or nil.
func (p *planner) worker(id jobs.NodeID) *jobs.Node {
	n := p.State.Nodes[id]
	if n == nil || n.Role != jobs.Worker || p.State.BannedNode(id) != "" {
		return nil
	}
	return n
}

func planJob(id jobs.JobID, j *jobs.Job) *jobPlan {
	jp := &jobPlan{id: id, job: j, next: j.Next, open: len(j.Open)}
	for _, index := range j.OpenTasks() {
		t := j.Open[index]
		jp.running += t.Running()
		if want := j.Spec.Trust.Judge(t.Attempts).Want; want > 0 {
			jp.tasks = append(jp.tasks, newTaskPlan(index, want, t.Attempts))
		}
	}
	return jp
}

func newTaskPlan(index uint32, want int, attempts []jobs.Attempt) *taskPlan {
	return &taskPlan{index: index, want: want, task: jobs.Task{Attempts: slices.Clip(attempts)}}
}

// place gives one lease to an offer, if there is any for it.
func (p *planner) place(o *offer) bool {
	if o.Capacity <= 0 {
		return false
	}
	slices.SortStableFunc(p.jobs, func(a, b *jobPlan) int { return cmp.Compare(a.running, b.running) })
	for _, jp := range p.jobs {
		if t, repeat := p.task(jp, o); t != nil {
			p.give(jp, t, o, repeat)
			return true
		}
	}
	o.Capacity = 0
	return false
}

func (p *planner) task(jp *jobPlan, o *offer) (t *taskPlan, repeat bool) {
	seen := o.seen[jp]
	defer func() { o.seen[jp] = seen }()
	for ; seen < len(jp.tasks); seen++ {
		t := jp.tasks[seen]
		if t.want == 0 {
			continue
		}
		if t.task.MayAttempt(o.Worker, o.owner, false) {
			return t, false
		}
		if p.nobodyElse(t) && t.task.MayAttempt(o.Worker, o.owner, true) {
			return t, true
		}
	}
	if int(jp.next) >= jp.job.Total() || jp.open >= openTasks*max(1, len(p.Live)) {
		return nil, false
	}
	t = newTaskPlan(jp.next, int(jp.job.Spec.Trust.Replicas), nil)
	jp.next++
	jp.open++
	jp.tasks = append(jp.tasks, t)
	return t, false
}

// nobodyElse says that every live owner has tried the task.
func (p *planner) nobodyElse(t *taskPlan) bool {
	if len(p.owners) > len(t.task.Attempts) {
		return false
	}
	for owner := range p.owners {
		if !t.task.Tried(owner) {
			return false
		}
	}
	return true
}

func (p *planner) give(jp *jobPlan, t *taskPlan, o *offer, repeat bool) {
	lease := p.NewLease()
	p.grants = append(p.grants, jobs.Grant{Lease: lease, Job: jp.id, Task: t.index, Worker: o.Worker, Repeat: repeat})
	t.task.Attempts = append(t.task.Attempts, jobs.Attempt{Lease: lease, Worker: o.Worker, Owner: o.owner, State: jobs.AttemptRunning})
	t.want--
	jp.running++
	o.Capacity--
}
