package jobs

import "slices"

// model is a dumb version of the state's rules about attempts: it keeps every
// attempt for ever, in one list, and looks through all of it for everything.
type model struct {
	attempts []*modelAttempt
	jobs     map[JobID]*modelJob
	owners   map[OwnerID]*Owner
}

type modelAttempt struct {
	Attempt
	job  JobID
	task uint32
}

type modelJob struct {
	trust  Trust
	over   bool
	closed map[uint32]Vote
	counts AttemptCounts
}

func newModel() *model {
	return &model{jobs: map[JobID]*modelJob{}, owners: map[OwnerID]*Owner{}}
}

func (m *model) owner(id OwnerID) *Owner {
	if m.owners[id] == nil {
		m.owners[id] = &Owner{}
	}
	return m.owners[id]
}

func (m *model) submit(id JobID, trust Trust) {
	m.jobs[id] = &modelJob{trust: trust, closed: map[uint32]Vote{}}
}

// mayGrant is the rule by which an attempt may be added.
func (m *model) mayGrant(g Grant, owner OwnerID) bool {
	j := m.jobs[g.Job]
	if j == nil || j.over || m.owner(owner).Banned != "" {
		return false
	}
	if _, closed := j.closed[g.Task]; closed {
		return false
	}
	return !slices.ContainsFunc(m.of(g.Job, g.Task), func(a *modelAttempt) bool {
		active := a.State == AttemptRunning || a.State == AttemptVoted
		return active && (a.Worker == g.Worker || a.Owner == owner && !g.Repeat)
	})
}

func (m *model) grant(g Grant, owner OwnerID, expires Time) {
	m.attempts = append(m.attempts, &modelAttempt{job: g.Job, task: g.Task, Attempt: Attempt{
		Lease: g.Lease, Worker: g.Worker, Owner: owner, State: AttemptRunning, Expires: expires,
	}})
	m.jobs[g.Job].counts.Started++
}

// of are the attempts at a task.
func (m *model) of(job JobID, task uint32) []*modelAttempt {
	var list []*modelAttempt
	for _, a := range m.attempts {
		if a.job == job && a.task == task {
			list = append(list, a)
		}
	}
	return list
}

func (m *model) running() map[LeaseID]NodeID {
	held := map[LeaseID]NodeID{}
	for _, a := range m.attempts {
		if a.State == AttemptRunning {
			held[a.Lease] = a.Worker
		}
	}
	return held
}

func (m *model) report(reports []Report) {
	var blamed []OwnerID
	for _, r := range reports {
		for _, a := range m.attempts {
			if a.State == AttemptRunning && a.Lease == r.Lease && a.Worker == r.Worker {
				blamed = append(blamed, m.end(a, r)...)
			}
		}
	}
	for _, id := range blamed {
		o := m.owner(id)
		if o.Banned == "" && o.Outvoted >= 3 && float64(o.Outvoted)/float64(o.Agreed+o.Outvoted) >= 0.1 {
			m.ban(id)
		}
	}
}

func (m *model) end(a *modelAttempt, r Report) []OwnerID {
	counts := &m.jobs[a.job].counts
	switch r.Status {
	case Succeeded:
		a.State, a.Vote = AttemptVoted, Vote{Output: r.Output}
	case Crashed:
		a.State, a.Vote = AttemptVoted, Vote{Failed: true, ExitCode: r.ExitCode}
	case Killed:
		a.State = AttemptKilled
		counts.Killed++
	case Lost:
		a.State = AttemptLost
		counts.Lost++
	}
	return m.settle(a.job, a.task)
}

func (m *model) settle(job JobID, task uint32) (blamed []OwnerID) {
	j := m.jobs[job]
	var list []Attempt
	for _, a := range m.of(job, task) {
		list = append(list, a.Attempt)
	}
	switch v := j.trust.Judge(list); v.Kind {
	case Agreed:
		j.closed[task] = v.Vote
		return m.score(job, task, v.Vote)
	case Failed:
		m.finish(job)
	}
	return nil
}

func (m *model) score(job JobID, task uint32, v Vote) (blamed []OwnerID) {
	for _, a := range m.of(job, task) {
		switch {
		case a.State == AttemptRunning:
			a.State = AttemptVoid
		case a.State == AttemptVoted && a.Vote == v:
			m.owner(a.Owner).Agreed++
			m.jobs[job].counts.Agreed++
		case a.State == AttemptVoted:
			m.owner(a.Owner).Outvoted++
			m.jobs[job].counts.Outvoted++
			blamed = append(blamed, a.Owner)
		}
	}
	return blamed
}

func (m *model) finish(job JobID) {
	m.jobs[job].over = true
	for _, a := range m.attempts {
		if a.job == job && a.State == AttemptRunning {
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
	for _, a := range ended {
		if a.State == AttemptRunning {
			m.end(a, Report{Status: Lost})
		}
	}
}

func (m *model) ban(id OwnerID) {
	m.owner(id).Banned = "yes"
	for _, a := range m.attempts {
		j := m.jobs[a.job]
		if _, closed := j.closed[a.task]; a.Owner == id && !j.over && !closed {
			a.State = AttemptVoid
		}
	}
	for _, a := range m.attempts {
		j := m.jobs[a.job]
		if _, closed := j.closed[a.task]; a.Owner == id && !j.over && !closed {
			m.settle(a.job, a.task)
		}
	}
}
