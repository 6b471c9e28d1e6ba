package jobs

import (
	"slices"

	"github.com/anthill-grid/anthill/internal/blob"
)

// Vote is what an attempt says of its task: a result, or a way of failing, and
// how much work that took. Two votes agree if they are equal.
type Vote struct {
	Failed   bool     `cbor:"1,keyasint,omitempty"`
	ExitCode uint32   `cbor:"2,keyasint,omitempty"`
	Output   blob.Ref `cbor:"3,keyasint"`
	Fuel     uint64   `cbor:"4,keyasint,omitempty"` // see Metering
}

// VerdictKind is what cross-checking says of a task.
type VerdictKind uint8

// The kinds of verdicts.
const (
	Pending  VerdictKind = iota // not enough votes yet
	Disputed                    // like Pending, and the votes disagree
	// Agreed: a result is accepted. Under fixed replication a quorum has voted for it;
	// under the rule of credibility one vote does until another contradicts it, and
	// then a group that is proven right.
	Agreed
	Failed // it cannot be computed, or nobody agrees
)

// Verdict is a judgement with what follows from it.
type Verdict struct {
	Kind VerdictKind
	// Vote is what is accepted; of Agreed, and of Failed if votes agree on how.
	Vote Vote
	// Want is the number of further attempts to start now.
	Want int
	// Reason is for people; of Failed.
	Reason string
}

// Judge is what cross-checking says of a task.
func (s *State) Judge(j *Job, t *Task) Verdict {
	return s.judgeAmong(j, t, len(s.timely(j, t)))
}

// judgeAmong is that where so many attempts go on and are not late.
func (s *State) judgeAmong(j *Job, t *Task, timely int) Verdict {
	switch {
	case !j.Spec.Trust.Fixed():
		return s.weigh(j, t, timely)
	case s.can(VersionThinkers):
		return s.poll(j, t, timely)
	}
	return j.Spec.Trust.Judge(t.Attempts, timely)
}

// poll is the rule of fixed replication: one owner has one voice, a quorum of which
// accepts a result. Those who say that the task cannot be run are not counted among its
// attempts: see cannotRun.
func (s *State) poll(j *Job, t *Task, timely int) Verdict {
	trust, b := j.Spec.Trust, count(t.Attempts)
	for i := range b.groups {
		b.groups[i].size = len(b.groups[i].owners)
	}
	if len(b.groups) == 0 && s.cannotRun(j, t, b) {
		return Verdict{Kind: Failed, Reason: b.whyHopeless(trust, t.Attempts)}
	}
	b.killed, b.lost = 0, 0
	return b.judge(trust, t.Attempts, timely)
}

// Judge is the rule of fixed replication: Quorum equal votes of at most
// MaxAttempts accept a result. timely is how many of the attempts go on and are
// not late: further ones are asked for beside those that are late.
func (t Trust) Judge(attempts []Attempt, timely int) Verdict {
	b := count(attempts)
	return b.judge(t, attempts, timely)
}

func (b *ballot) judge(t Trust, attempts []Attempt, timely int) Verdict {
	lead := b.leader()
	if lead.size >= int(t.Quorum) {
		if lead.vote.Failed {
			return Verdict{Kind: Failed, Vote: lead.vote, Reason: lead.first.Reason}
		}
		return Verdict{Kind: Agreed, Vote: lead.vote}
	}
	left := int(t.MaxAttempts) - b.voted - b.killed - timely
	if b.running == 0 && lead.size+left < int(t.Quorum) || b.lost >= maxLost {
		return Verdict{Kind: Failed, Reason: b.whyHopeless(t, attempts)}
	}
	want := int(t.Quorum) - lead.size - timely
	if b.voted+b.killed == 0 {
		want = int(t.Replicas) - timely
	}
	v := Verdict{Kind: Pending, Want: max(0, min(want, left))}
	if len(b.groups) > 1 {
		v.Kind = Disputed
	}
	return v
}

// ballot is a task's attempts, counted.
type ballot struct {
	running, voted, killed int
	// lost are the attempts without a result; the silent ones of an owner count once.
	lost   int
	silent []OwnerID
	groups []group
}

type group struct {
	vote   Vote
	size   int
	owners []OwnerID
	first  *Attempt
}

func count(attempts []Attempt) ballot {
	var b ballot
	for i := range attempts {
		a := &attempts[i]
		switch a.State {
		case AttemptRunning:
			b.running++
		case AttemptVoted:
			b.voted++
			b.add(a)
		case AttemptKilled:
			b.killed++
		case AttemptLost:
			b.lost++
		case AttemptSilent:
			if !slices.Contains(b.silent, a.Owner) {
				b.silent = append(b.silent, a.Owner)
				b.lost++
			}
		case AttemptVoid, AttemptOutvoted, AttemptReturned, AttemptUnfetched: // they count nowhere any more
		}
	}
	return b
}

func (b *ballot) add(a *Attempt) {
	for i := range b.groups {
		if g := &b.groups[i]; g.vote == a.Vote {
			g.size++
			if !slices.Contains(g.owners, a.Owner) {
				g.owners = append(g.owners, a.Owner)
			}
			return
		}
	}
	b.groups = append(b.groups, group{vote: a.Vote, size: 1, owners: []OwnerID{a.Owner}, first: a})
}

// leader is the largest group, of equals the one that voted first.
func (b *ballot) leader() group {
	var lead group
	for _, g := range b.groups {
		if g.size > lead.size {
			lead = g
		}
	}
	return lead
}
