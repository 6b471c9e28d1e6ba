package jobs

import (
	"fmt"
	"math"
	"strings"
)

// An account is what an owner uses of what all share. Nothing of it is stored: it is
// counted from jobs, datasets and answers, and a test counts it from nothing after every
// command. What an owner may use are its terms, see Term.

// Item is something of which an account says how much there is, and its terms how much
// there may be.
type Item uint8

// The items. The last two are terms alone: nothing of them is used up.
const (
	ItemRunning  Item = iota + 1 // jobs that run
	ItemKept                     // jobs that are remembered, those that run among them
	ItemTasks                    // of these jobs
	ItemSpecs                    // bytes of their specs, and of the reasons why tasks failed
	ItemResults                  // bytes of their results
	ItemDatasets                 // bytes of datasets that it claims
	ItemRequests                 // that are remembered, those of the last hour
	ItemWeight                   // its part of the leases, of that of all owners
	ItemRetain                   // milliseconds for which finished jobs are kept that do not say
	itemEnd
)

// Account is how much there is of each item.
type Account [itemEnd]int64

// Account is that of an owner.
func (s *State) Account(owner OwnerID) Account {
	var a Account
	if has := s.accounts[owner]; has != nil {
		a = *has
	}
	_, a[ItemDatasets] = s.datasetBytes(owner)
	return a
}

// Reserved is how many bytes the results of an owner's running jobs may still take: as
// much as their limits allow, or what is left. Whoever has nothing left submits no job.
func (s *State) Reserved(owner OwnerID) int64 {
	left, sum := s.left(owner, ItemResults), int64(0)
	for _, id := range s.running {
		if j := s.Jobs[id]; j.Owner == owner && sum < left {
			sum += j.Spec.Limits.Output * int64(j.Total()-j.Settled())
		}
	}
	return min(sum, max(0, left))
}

// left is how much more of an item an owner may have.
func (s *State) left(owner OwnerID, item Item) int64 {
	most := s.Term(owner, item)
	if item == ItemDatasets {
		_, claimed := s.datasetBytes(owner)
		return most - claimed
	}
	if has := s.accounts[owner]; has != nil {
		most -= has[item]
	}
	return most
}

// book changes what an owner has of an item.
func (s *State) book(owner OwnerID, item Item, n int64) {
	a := s.accounts[owner]
	if a == nil {
		a = &Account{}
		s.accounts[owner] = a
	}
	if a[item] += n; *a == (Account{}) {
		delete(s.accounts, owner)
	}
}

// bookJob enters a job into its owner's account, or takes it out by -1.
func (s *State) bookJob(j *Job, sign int64) {
	if j.State == JobRunning {
		s.book(j.Owner, ItemRunning, sign)
	}
	s.book(j.Owner, ItemKept, sign)
	s.book(j.Owner, ItemTasks, sign*int64(j.Total()))
	s.book(j.Owner, ItemSpecs, sign*j.text)
	s.book(j.Owner, ItemResults, sign*j.results)
}

// weighJob counts what a job takes from nothing.
func (s *State) weighJob(j *Job) {
	j.text, j.results = j.Spec.weight(), 0
	for _, reason := range j.Reasons {
		j.text += int64(len(reason))
	}
	for place := range j.Next {
		j.results += s.resultBytes(j, place)
	}
}

// jobWeight is what a job takes beside its texts and tasks, about.
const jobWeight = 1 << 10

// weight is about how many bytes of memory a spec takes on each coordinator.
func (s Spec) weight() int64 {
	n := jobWeight + len(s.Name) + len(s.RetryOf)
	for _, a := range s.Args {
		n += len(a) + 16
	}
	for k, v := range s.Env {
		n += len(k) + len(v) + 32
	}
	for _, d := range s.Data {
		n += len(d.Name) + 64
	}
	return int64(n)
}

// resultBytes is what the result of a task counts. While the job runs that is the largest
// of those that may become it: which of the votes is accepted must not take its owner
// over the limit.
func (s *State) resultBytes(j *Job, place Place) int64 {
	if j.Released {
		return 0
	}
	n := max(0, j.Closed[place].Output.Size)
	t := j.task(place)
	if t == nil || j.State != JobRunning {
		return n
	}
	for i := range t.Attempts {
		if a := &t.Attempts[i]; a.State == AttemptVoted && !a.Vote.Failed {
			n = max(n, a.Vote.Output.Size)
		}
	}
	return n
}

func (s *State) bookText(j *Job, n int64) {
	j.text += n
	s.book(j.Owner, ItemSpecs, n)
}

func (s *State) bookResults(j *Job, n int64) {
	j.results += n
	s.book(j.Owner, ItemResults, n)
}

// settleAccount leaves of a job that has ended what its results take.
func (s *State) settleAccount(j *Job) {
	s.book(j.Owner, ItemRunning, -1)
	s.release(j)
	sum := int64(0)
	for place := range j.Next {
		sum += s.resultBytes(j, place)
	}
	s.bookResults(j, sum-j.results)
}

// HasRoom says whether the results of a job have room in its owner's account. If not, the
// job waits until they do.
func (s *State) HasRoom(j *Job) bool {
	left := s.left(j.Owner, ItemResults)
	return !s.can(VersionStrangers) || left > 0 && left >= j.Lacks
}

// fits says whether a result has room in the account of the job's owner.
func (s *State) fits(j *Job, place Place, size int64) bool {
	more := size - s.resultBytes(j, place)
	if !s.can(VersionStrangers) || more <= 0 || more <= s.left(j.Owner, ItemResults) {
		return true
	}
	j.Lacks = more
	return false
}

// MaySubmit says why an owner's account has no room for a job, or nil.
func (s *State) MaySubmit(owner OwnerID, spec Spec) *Rejection {
	if !s.can(VersionStrangers) {
		return nil
	}
	for _, need := range []struct {
		item Item
		n    int64
	}{{ItemRunning, 1}, {ItemKept, 1}, {ItemTasks, spec.Input.Tasks()}, {ItemSpecs, spec.weight()}, {ItemResults, 1}} {
		if r := s.over(owner, need.item, need.n); r != nil {
			return r
		}
	}
	return nil
}

// over says why an owner may not have so much more of an item, or nil.
func (s *State) over(owner OwnerID, item Item, n int64) *Rejection {
	if n <= s.left(owner, item) {
		return nil
	}
	d, has := item.def(), s.Account(owner)[item]
	r := reject(Exhausted, "ACCOUNT_"+strings.ToUpper(d.name), "owner "+string(owner), "it has %s %s, and may have %s: %s more do not fit",
		d.text(has), d.what, d.text(s.Term(owner, item)), d.text(n))
	return r.next(d.next + fmt.Sprintf("; an operator can allow more: `anthill owner set %s --%s N`", owner, d.name))
}

// MayAsk says why a request is one too many for its owner, or nil. What gives something
// back is always heard.
func (s *State) MayAsk(c *Command) *Rejection {
	if owner := s.asker(c.Request); owner != "" && s.can(VersionStrangers) && !c.frees() {
		return s.over(owner, ItemRequests, 1)
	}
	return nil
}

// Asked says whether a request is remembered: it is answered once more, and takes nothing.
func (s *State) Asked(r RequestID) bool {
	_, asked := s.requests[r]
	return asked
}

// asker is the owner of the node whose request it is: these begin with its id. That of an
// operator is none: the grid must be mended whatever happens.
func (s *State) asker(r RequestID) OwnerID {
	id, _, _ := strings.Cut(string(r), "/")
	if n := s.Nodes[NodeID(id)]; n != nil && n.Role != Operator && n.Role != Coordinator {
		return n.Owner
	}
	return ""
}

// frees says whether the command gives something back, and does nothing if it is repeated.
func (c *Command) frees() bool { return c.Cancel != nil || c.Drop != nil || c.Forget != nil }

// keepAnswer keeps the answer to a request. One that was refused changed nothing, and may
// be asked again.
func (s *State) keepAnswer(c *Command, out Outcome) {
	if c.Request == "" {
		return
	}
	a := Answer{Request: c.Request, At: s.Now, Outcome: out}
	if s.can(VersionStrangers) {
		a.Owner = s.asker(c.Request)
		if out.Rejection != nil || a.Owner != "" && s.left(a.Owner, ItemRequests) <= 0 {
			return
		}
		s.bookRequest(&a, 1)
	}
	s.Answered = append(s.Answered, a)
	s.requests[c.Request] = out
}

// bookRequest enters a request that is remembered, or takes it out by -1.
func (s *State) bookRequest(a *Answer, n int64) {
	if a.Owner != "" {
		s.book(a.Owner, ItemRequests, n)
	}
}

// Terms are what differs for an owner, or for a grid, from what is usual.
type Terms map[Item]int64

// Unlimited is a term without a limit.
const Unlimited = math.MaxInt64
