package jobs

import (
	"slices"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
)

// State is everything that the grid agrees on. Read it freely; change it by
// Apply alone.
type State struct {
	Grid   string             `cbor:"1,keyasint"`
	Now    Time               `cbor:"2,keyasint"`
	Tokens map[TokenID]*Token `cbor:"3,keyasint,omitempty"`
	Nodes  map[NodeID]*Node   `cbor:"4,keyasint,omitempty"`
	Owners map[OwnerID]*Owner `cbor:"5,keyasint,omitempty"`
	Jobs   map[JobID]*Job     `cbor:"6,keyasint,omitempty"`
	// Datasets are kept for their own sake, not for one job.
	Datasets map[blob.ID]*Dataset `cbor:"11,keyasint,omitempty"`
	// Holders are the coordinators in the order of their admission; a position
	// in it is a bit in sets of holders. One that is free has no coordinator any more.
	Holders []NodeID `cbor:"7,keyasint,omitempty"`
	// Numbered are the workers in the order of their admission; a closed task
	// names its voters by their NodeNumbers.
	Numbered []NodeID `cbor:"9,keyasint,omitempty"`
	// Saboteurs is the share of strangers that is taken for saboteurs.
	Saboteurs Prob `cbor:"10,keyasint,omitempty"`
	// Answered are the requests of the last hour, oldest first, the last maxAnswered.
	Answered []Answer `cbor:"8,keyasint,omitempty"`
	// Raised is the version that the rules were raised to; zero: FirstVersion. See
	// State.Version.
	Raised Version `cbor:"12,keyasint,omitempty"`
	// Terms are those of owners who have none of their own, where they differ from what
	// is usual.
	Terms Terms `cbor:"35,keyasint,omitempty"`
	// Record is what operators and rules have done, oldest first, see Entry.
	Record []Entry `cbor:"45,keyasint,omitempty"`

	// Denied is the grid's deny list, and DenyRevision counts its changes.
	Denied       map[DenyKey]*Denial `cbor:"70,keyasint,omitempty"`
	DenyRevision uint64              `cbor:"71,keyasint,omitempty"`
	// Runtimes are datasets that jobs name as their interpreters, oldest first.
	Runtimes []Runtime `cbor:"80,keyasint,omitempty"`

	// Authorities are those that nodes trust; nil: that of the founding alone.
	Authorities *Authorities `cbor:"110,keyasint,omitempty"`

	// Derived from the above; see Reindex.
	leases   leaseIndex // that are held
	silent   leaseIndex // that ended in silence, and may be given back
	requests map[RequestID]Outcome
	accounts map[OwnerID]*Account // but for datasets; of those who have anything
	running  []JobID              // in order
	byNumber []*Owner
	// crew counts the owners of workers, bannedCrew those that are banned.
	crew, bannedCrew int
	cuts             uint64 // see Cuts
}

// Answer is what a request was answered.
type Answer struct {
	Request RequestID `cbor:"1,keyasint"`
	At      Time      `cbor:"2,keyasint"`
	Outcome Outcome   `cbor:"3,keyasint"`
	// Owner is whose account it counts in; empty: nobody's.
	Owner OwnerID `cbor:"35,keyasint,omitempty"`
}

const (
	// requestMemory is how long a repeated request is recognised.
	requestMemory = time.Hour
	// maxAnswered bounds how many are, so that endless requests cannot fill the memory
	// of all coordinators.
	maxAnswered = 1 << 16
)

// NewState is the state before the first command.
func NewState() *State {
	s := &State{}
	s.Reindex()
	return s
}

// Reindex builds what is derived, after the exported fields were loaded from a
// snapshot.
func (s *State) Reindex() {
	makeMap(&s.Tokens)
	makeMap(&s.Nodes)
	makeMap(&s.Owners)
	makeMap(&s.Jobs)
	makeMap(&s.Datasets)
	makeMap(&s.Denied)
	s.leases, s.silent, s.requests, s.running = newLeaseIndex(), newLeaseIndex(), map[RequestID]Outcome{}, nil
	s.accounts = map[OwnerID]*Account{}
	for i := range s.Answered {
		a := &s.Answered[i]
		s.requests[a.Request] = a.Outcome
		s.bookRequest(a, 1)
	}
	s.byNumber, s.crew, s.bannedCrew = nil, 0, 0
	for _, id := range sortedKeys(s.Owners) {
		s.number(s.Owners[id])
	}
	for _, n := range s.Nodes {
		if n.Role == Worker {
			s.enlist(s.Owners[n.Owner])
		}
	}
	for _, id := range sortedKeys(s.Jobs) {
		s.reindexJob(id, s.Jobs[id])
	}
}

func (s *State) reindexJob(id JobID, j *Job) {
	if j.State == JobRunning {
		s.setRunning(id)
		makeMap(&j.Open)
	}
	makeMap(&j.Unheld)
	makeMap(&j.Records)
	makeMap(&j.Reasons)
	makeMap(&j.Tries)
	j.tally, j.agenda = newTally(), nil
	s.weighJob(j)
	s.bookJob(j, 1)
	if j.State != JobRunning {
		return
	}
	for place := range j.Next {
		s.count(j, place)
		if t := j.task(place); t != nil && t.Lies > 0 {
			j.tally.lies = append(j.tally.lies, place)
		}
	}
	j.agenda = &agenda{}
	for place, t := range j.Open {
		t.mark = mark{}
		for i := range t.Attempts {
			switch a, p := &t.Attempts[i], (AttemptRef{id, place, i}); a.State {
			case AttemptRunning:
				s.hold(p, a)
			case AttemptSilent:
				s.silent.add(a.Lease, a.Worker, p, 0)
			}
		}
		s.plan(j, place)
	}
}

func makeMap[K comparable, V any](m *map[K]V) {
	if *m == nil {
		*m = map[K]V{}
	}
}

// Running are the jobs that are not finished, in order of their ids.
func (s *State) Running() []JobID { return s.running }

func (s *State) setRunning(id JobID) {
	if i, found := slices.BinarySearch(s.running, id); !found {
		s.running = slices.Insert(s.running, i, id)
	}
}

func (s *State) clearRunning(id JobID) {
	if i, found := slices.BinarySearch(s.running, id); found {
		s.running = slices.Delete(s.running, i, i+1)
	}
}

// Apply carries out one command. It panics on a command that it does not know:
// a replica that skipped one would differ from the others for ever.
func (s *State) Apply(c Command) Outcome {
	s.Now = max(s.Now, c.At)
	s.forgetRequests()
	if out, done := s.requests[c.Request]; done && c.Request != "" {
		return out
	}
	if r := s.MayAsk(&c); r != nil {
		return rejected(r)
	}
	out := s.dispatch(c)
	s.keepAnswer(&c, out)
	return out
}

func (s *State) dispatch(c Command) Outcome {
	switch {
	case c.Found != nil:
		return s.found(c.Found)
	case c.CreateToken != nil:
		return s.createToken(c.CreateToken)
	case c.Admit != nil:
		return s.admit(c.Admit)
	case c.Submit != nil:
		return s.submit(c.Submit)
	case c.Cancel != nil:
		return s.cancel(c.Cancel)
	case c.Grant != nil:
		return s.grant(c.Grant)
	case c.Renew != nil:
		return s.renew(c.Renew)
	case c.Expire != nil:
		return s.expire()
	case c.Report != nil:
		return s.report(c.Report)
	case c.Confirm != nil:
		return s.confirm(c.Confirm)
	case c.Concede != nil:
		return s.concede(c.Concede)
	case c.Accuse != nil:
		return s.accuse(c.Accuse)
	case c.Keep != nil:
		return s.keepBlob(c.Keep)
	case c.Drop != nil:
		return s.dropBlob(c.Drop)
	case c.ChangeDenied != nil:
		return s.changeDenied(c.ChangeDenied)
	case c.Runtime != nil:
		return s.nameRuntime(c.Runtime)
	case c.Raise != nil:
		return s.raise(c.Raise)
	case c.Move != nil:
		return s.move(c.Move)
	case c.SetOwner != nil:
		return s.setOwner(c.SetOwner)
	case c.Forget != nil:
		return s.forget(c.Forget)
	case c.See != nil:
		return s.see(c.See)
	}
	return s.administer(c)
}

// administer carries out what operators do.
func (s *State) administer(c Command) Outcome {
	switch {
	case c.RevokeToken != nil:
		return s.revokeToken(c.RevokeToken)
	case c.EndNode != nil:
		return s.endNode(c.EndNode)
	case c.BanOwner != nil:
		return s.banOwner(c.BanOwner)
	case c.Share != nil:
		return s.shareBlob(c.Share)
	case c.Dismiss != nil:
		return s.dismiss(c.Dismiss)
	case c.Away != nil:
		return s.noteAway(c.Away)
	case c.Rotate != nil:
		return s.rotate(c.Rotate)
	case c.Compare != nil:
		return Outcome{}
	}
	panic("jobs: a command of a kind that this version does not know: upgrade this coordinator before it votes again")
}

func (s *State) forgetRequests() {
	old := 0
	for old < len(s.Answered) && (s.Answered[old].At.Add(requestMemory) <= s.Now || len(s.Answered)-old > maxAnswered) {
		delete(s.requests, s.Answered[old].Request)
		s.bookRequest(&s.Answered[old], -1)
		old++
	}
	clear(s.Answered[:old]) // otherwise what they name stays until append moves the rest
	s.Answered = s.Answered[old:]
}
