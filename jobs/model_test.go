package jobs

import "slices"

// model is a dumb version of the state's rules about attempts: it keeps every
// attempt for ever, in one list, and looks through all of it for everything.
type model struct {
	attempts []*modelAttempt
	jobs     map[JobID]*modelJob
	owners   map[OwnerID]*Owner
	// stumbles is how much of a worker's reliability is lost.
	stumbles map[NodeID]Prob
	// fuel is what owners are credited with.
	fuel map[OwnerID]uint64
}

type modelAttempt struct {
	Attempt
	job   JobID
	place Place
}

type modelJob struct {
	trust   Trust
	allowed int // failed tasks
	over    bool
	closed  map[Place]Vote // no vote: given up
	// reopened are the tasks that ever were, and changed those of them that had a
	// vote accepted before.
	reopened, changed map[Place]bool
	counts            AttemptCounts
}

// failed is the number of tasks that are closed without a result.
func (j *modelJob) failed() (n int) {
	for _, v := range j.closed {
		if v.Failed || v == (Vote{}) {
			n++
		}
	}
	return n
}

func newModel() *model {
	return &model{jobs: map[JobID]*modelJob{}, owners: map[OwnerID]*Owner{}, stumbles: map[NodeID]Prob{}, fuel: map[OwnerID]uint64{}}
}

func (m *model) owner(id OwnerID) *Owner {
	if m.owners[id] == nil {
		m.owners[id] = &Owner{}
	}
	return m.owners[id]
}

func (m *model) submit(id JobID, trust Trust, allowed int) {
	m.jobs[id] = &modelJob{trust: trust, allowed: allowed, closed: map[Place]Vote{}, reopened: map[Place]bool{}, changed: map[Place]bool{}}
}

// mayGrant is the rule by which an attempt may be added.
func (m *model) mayGrant(g Grant, owner OwnerID) bool {
	j := m.jobs[g.Job]
	if j == nil || j.over || m.owner(owner).Banned != "" {
		return false
	}
	if _, closed := j.closed[g.Place]; closed {
		return false
	}
	return !slices.ContainsFunc(m.of(g.Job, g.Place), func(a *modelAttempt) bool {
		if a.State == AttemptSilent && a.Worker == g.Worker {
			return true
		}
		active := a.State == AttemptRunning || a.State == AttemptVoted || a.State == AttemptOutvoted
		return active && (a.Worker == g.Worker || a.Owner == owner && !g.Repeat)
	})
}

func (m *model) grant(g Grant, owner OwnerID, now, expires Time) {
	if len(m.of(g.Job, g.Place)) > 0 {
		m.jobs[g.Job].counts.Extra++
	}
	m.attempts = append(m.attempts, &modelAttempt{job: g.Job, place: g.Place, Attempt: Attempt{
		Lease: g.Lease, Worker: g.Worker, Owner: owner, State: AttemptRunning, Expires: m.leaseEnd(g.Worker, now, expires),
	}})
	m.jobs[g.Job].counts.Started++
}

// leaseEnd cuts up to a third off the leases of unreliable workers.
func (m *model) leaseEnd(w NodeID, now, expires Time) Time {
	return expires - (expires-now)*Time(m.stumbles[w])/Time(3*One)
}

func (m *model) renew(now, expires Time) {
	for _, a := range m.attempts {
		if a.State == AttemptRunning {
			a.Expires = max(a.Expires, m.leaseEnd(a.Worker, now, expires))
		}
	}
}

// of are the attempts at a task.
func (m *model) of(job JobID, place Place) []*modelAttempt {
	var list []*modelAttempt
	for _, a := range m.attempts {
		if a.job == job && a.place == place {
			list = append(list, a)
		}
	}
	return list
}

// leases are those of attempts in a state.
func (m *model) leases(state AttemptState) map[LeaseID]NodeID {
	held := map[LeaseID]NodeID{}
	for _, a := range m.attempts {
		if a.State == state {
			held[a.Lease] = a.Worker
		}
	}
	return held
}

func (m *model) report(reports []Report) {
	blamed := map[OwnerID]bool{}
	for _, r := range reports {
		for _, a := range m.attempts {
			if a.Lease != r.Lease || a.Worker != r.Worker {
				continue
			}
			m.resume(a)
			if a.State == AttemptRunning {
				m.end(a, r, blamed)
			}
		}
	}
	m.punish(blamed)
}

// resume goes on with what fell silent.
func (m *model) resume(a *modelAttempt) {
	if a.State == AttemptSilent {
		a.State = AttemptRunning
		m.jobs[a.job].counts.Lost--
	}
}

// beat is a worker that is there again, with some of what it held and without the rest.
func (m *model) beat(with, without []LeaseID, now, expires Time) {
	for _, a := range m.attempts {
		if slices.Contains(with, a.Lease) {
			m.resume(a)
			if a.State == AttemptRunning {
				a.Expires = max(a.Expires, m.leaseEnd(a.Worker, now, expires))
			}
		}
	}
	blamed, stumbled := map[OwnerID]bool{}, false
	for _, id := range without {
		for _, a := range m.attempts {
			if a.Lease == id && a.State == AttemptSilent {
				a.State = AttemptLost
				if !stumbled {
					m.stumble(a.Worker)
				}
				stumbled = true
				m.settle(a.job, a.place, blamed)
			}
		}
	}
	m.punish(blamed)
}

func (m *model) stumble(w NodeID) { m.stumbles[w] += (One - m.stumbles[w]) / 8 }

func (m *model) end(a *modelAttempt, r Report, blamed map[OwnerID]bool) {
	counts := &m.jobs[a.job].counts
	switch r.Status {
	case Lost:
		m.stumble(a.Worker)
	case Succeeded, Crashed:
		m.stumbles[a.Worker] -= m.stumbles[a.Worker] / 16
	}
	switch r.Status {
	case Succeeded:
		a.State, a.Vote = AttemptVoted, Vote{Output: r.Output, Fuel: r.Fuel}
	case Crashed:
		a.State, a.Vote = AttemptVoted, Vote{Failed: true, ExitCode: r.ExitCode, Fuel: r.Fuel}
	case Killed:
		a.State = AttemptKilled
		counts.Killed++
	case Lost:
		a.State = AttemptLost
		counts.Lost++
	case Starved, Stopped:
		a.State = AttemptReturned
		counts.Returned++
	}
	m.settle(a.job, a.place, blamed)
}

// settle judges a task again, whether it has a result or not.
func (m *model) settle(job JobID, place Place, blamed map[OwnerID]bool) {
	j := m.jobs[job]
	var list []Attempt
	for _, a := range m.of(job, place) {
		list = append(list, a.Attempt)
	}
	before, closed := j.closed[place]
	switch v := j.trust.Judge(list, 0); {
	case v.Kind == Failed && v.Vote == Vote{}:
		j.closed[place] = Vote{}
		m.giveUp(job, place)
	case v.Kind == Agreed || v.Kind == Failed:
		j.closed[place] = v.Vote
		m.score(job, place, v.Vote, blamed)
		m.forget(job, place)
	case closed:
		delete(j.closed, place)
		j.reopened[place] = true
		j.changed[place] = j.changed[place] || before != Vote{}
	}
	if j.failed() > j.allowed {
		m.finish(job)
	}
}

func (m *model) giveUp(job JobID, place Place) {
	for _, a := range m.of(job, place) {
		switch a.State {
		case AttemptRunning:
			a.State = AttemptVoid
		case AttemptSilent:
			a.State = AttemptLost
		}
	}
}

func (m *model) score(job JobID, place Place, v Vote, blamed map[OwnerID]bool) {
	for _, a := range m.of(job, place) {
		switch {
		case a.State == AttemptRunning || a.State == AttemptSilent:
			a.State = AttemptVoid
		case a.State == AttemptVoted && a.Vote != v:
			m.uncount(a)
			a.State = AttemptOutvoted
			m.owner(a.Owner).Outvoted++
			m.jobs[job].counts.Outvoted++
			blamed[a.Owner] = true
		}
	}
	owners := map[OwnerID]bool{}
	for _, a := range m.of(job, place) {
		if a.State == AttemptVoted {
			owners[a.Owner] = true
		}
	}
	for _, a := range m.of(job, place) {
		if a.State == AttemptVoted {
			m.uncount(a)
			m.count(a, len(owners) > 1)
		}
		if a.State == AttemptKilled && !a.Stumbled && !v.Failed {
			a.Stumbled = true
			m.stumble(a.Worker)
		}
	}
}

func (m *model) count(a *modelAttempt, checked bool) {
	a.Agreed, a.Checked = true, checked
	m.owner(a.Owner).Agreed++
	m.fuel[a.Owner] += a.Vote.Fuel
	m.jobs[a.job].counts.Agreed++
	if checked {
		m.owner(a.Owner).Checks++
	}
}

func (m *model) uncount(a *modelAttempt) {
	if a.Agreed {
		m.owner(a.Owner).Agreed--
		m.fuel[a.Owner] -= a.Vote.Fuel
		m.jobs[a.job].counts.Agreed--
	}
	if a.Checked {
		m.owner(a.Owner).Checks--
	}
	a.Agreed, a.Checked = false, false
}

// forget drops what is not told of a task with a result and without a story:
// that attempts ended without a vote.
func (m *model) forget(job JobID, place Place) {
	votes := 0
	for _, a := range m.of(job, place) {
		switch a.State {
		case AttemptVoted:
			votes++
		case AttemptOutvoted:
			return
		}
	}
	if votes > 2 || m.jobs[job].changed[place] {
		return
	}
	for _, a := range m.of(job, place) {
		if a.State != AttemptVoted {
			a.State = AttemptVoid
		}
	}
}

func (m *model) finish(job JobID) {
	m.jobs[job].over = true
	for _, a := range m.attempts {
		if a.job == job && (a.State == AttemptRunning || a.State == AttemptSilent) {
			a.State = AttemptVoid
		}
	}
}

func (m *model) expire(now Time) {
	var ended []*modelAttempt
	for _, a := range m.attempts {
		if a.State == AttemptRunning && a.Expires <= now {
			ended = append(ended, a)
		}
	}
	slices.SortFunc(ended, func(a, b *modelAttempt) int { return int(a.Lease) - int(b.Lease) })
	blamed := map[OwnerID]bool{}
	for _, a := range ended {
		if a.State == AttemptRunning {
			a.State = AttemptSilent
			m.jobs[a.job].counts.Lost++
			m.settle(a.job, a.place, blamed)
		}
	}
	m.punish(blamed)
}

// punish bans who misbehaves, until nobody is left to blame: a ban can bring
// out further lies.
func (m *model) punish(blamed map[OwnerID]bool) {
	for len(blamed) > 0 {
		id := sortedKeys(blamed)[0]
		delete(blamed, id)
		o := m.owner(id)
		if o.Banned == "" && o.Outvoted >= 3 && float64(o.Outvoted)/float64(o.Agreed+o.Outvoted) >= 0.1 {
			m.ban(id, blamed)
		}
	}
}

// ban goes through the tasks of the running jobs in order, also those that have
// a result.
func (m *model) ban(id OwnerID, blamed map[OwnerID]bool) {
	m.owner(id).Banned = "yes"
	for _, job := range sortedKeys(m.jobs) {
		for place := range Place(maxModelTasks) {
			m.strike(job, place, id, blamed)
		}
	}
}

// maxModelTasks is above the number of tasks of every job.
const maxModelTasks = 20

func (m *model) strike(job JobID, place Place, id OwnerID, blamed map[OwnerID]bool) {
	if m.jobs[job].over {
		return
	}
	tookPart := false
	for _, a := range m.of(job, place) {
		if a.Owner != id || a.State == AttemptVoid {
			continue
		}
		tookPart = true
		m.uncount(a)
		if a.State != AttemptOutvoted {
			a.State = AttemptVoid
		}
	}
	if tookPart {
		m.settle(job, place, blamed)
	}
}
