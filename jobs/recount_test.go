package jobs

import (
	"math"

	"pgregory.net/rapid"
)

// This is a dumb version of the rule of credibility: in floating point, and
// each time from all the votes that were sent.

// statement is a vote that was taken down.
type statement struct {
	job   JobID
	place Place
	owner OwnerID
	vote  Vote
	// number counts all votes, given is how many there were when the lease was given.
	number, given int
	worker        NodeID
}

// opinions are owners by what they say of a task.
type opinions map[Vote]map[OwnerID]bool

// opinions are what is said of a job's tasks, by place.
func (m *trusting) opinions(id JobID) []opinions {
	list := make([]opinions, m.Jobs[id].Next)
	for _, s := range m.said {
		if s.job != id {
			continue
		}
		if list[s.place] == nil {
			list[s.place] = opinions{}
		}
		if list[s.place][s.vote] == nil {
			list[s.place][s.vote] = map[OwnerID]bool{}
		}
		list[s.place][s.vote][s.owner] = true
	}
	return list
}

// forget drops the votes that count no more: those that were outvoted and, in
// jobs that ran until now, those of banned owners, and in steady ones those of the
// steadfast who were mistrusted in this command.
func (m *trusting) forget(ran []JobID, mistrusted func(OwnerID) bool) {
	for lease, s := range m.said {
		for _, id := range ran {
			if id == s.job && (m.Owners[s.owner].Banned != "" || m.Jobs[id].steady() && mistrusted(s.owner) || m.outvoted(s)) {
				delete(m.said, lease)
			}
		}
	}
}

func (m *trusting) outvoted(s statement) bool {
	if task := m.Jobs[s.job].task(s.place); task != nil {
		for _, a := range task.Attempts {
			if a.State == AttemptOutvoted && a.Owner == s.owner && a.Vote == s.vote {
				return true
			}
		}
	}
	return false
}

// wrongResults is how many of a job's accepted results are expected to be wrong.
func (m *trusting) wrongResults(id JobID) float64 {
	if m.Jobs[id].steady() {
		return m.steadyWrong(id)
	}
	j, said, sum := m.Jobs[id], m.opinions(id), 0.0
	for place := range j.Closed {
		if c := &j.Closed[place]; c.decided() {
			sum += m.wrongWith(id, said, said[place], c.vote())
		}
	}
	return sum
}

// wrongWith is the probability that an accepted vote is wrong. An owner on whose
// word alone it rests is wrong as often as those that survived as many checks. Of
// several the check by each other does not count. Where votes differ, only what
// was thought of the owners beforehand does.
func (m *trusting) wrongWith(id JobID, said []opinions, here opinions, accepted Vote) float64 {
	if len(here) > 1 {
		return 1 - m.posterior(here, accepted)
	}
	p := 1.0
	for o := range here[accepted] {
		k := m.checksIn(id, said, o)
		if len(here[accepted]) == 1 {
			return floatErrorRate(k, m.floatPrior(o), m.tooMany())
		}
		e := floatErrorRate(max(k, 1)-1, m.floatPrior(o), m.tooMany())
		p *= e / (1 - e)
	}
	return p // certainly wrong, if nobody stands behind it
}

// posterior is Bayes' rule for one of several groups.
func (m *trusting) posterior(here opinions, accepted Vote) float64 {
	groups := [][]Prob{nil}
	for v, owners := range here {
		var rates []Prob
		for o := range owners {
			rates = append(rates, Prob(math.Round(1e9*m.floatPrior(o))))
		}
		if v == accepted {
			groups[0] = rates
		} else {
			groups = append(groups, rates)
		}
	}
	return floatPosterior(groups)[0]
}

// checksIn is what an owner's checks count in a job: sixteen for each result in
// it that others agree on with it, and sixteen more.
func (m *trusting) checksIn(id JobID, said []opinions, o OwnerID) uint64 {
	n := uint64(0)
	for place := range said {
		if who := said[place][m.Jobs[id].Closed[place].vote()]; who[o] && len(who) > 1 {
			n++
		}
	}
	return min(m.Owners[o].Checks, 16*n+16)
}

func (m *trusting) floatPrior(o OwnerID) float64 {
	if prior := m.Owners[o].Prior; prior != 0 {
		return float64(prior) / 1e9
	}
	return m.saboteurs()
}

func (m *trusting) saboteurs() float64 {
	if m.Saboteurs != 0 {
		return float64(m.Saboteurs) / 1e9
	}
	return 0.2
}

// tooMany says that more owners of workers are banned than there were liars.
func (m *trusting) tooMany() bool {
	banned := map[OwnerID]bool{}
	for _, n := range m.Nodes {
		if n.Role == Worker {
			banned[n.Owner] = m.Owners[n.Owner].Banned != ""
		}
	}
	n := 0
	for _, is := range banned {
		if is {
			n++
		}
	}
	return float64(n) > float64(len(banned))*m.saboteurs()
}

// ending is what was true when a job succeeded.
type ending struct {
	share     float64 // of wrong results to be expected
	contested bool    // votes differ on some result
}

func (m *trusting) end(id JobID) ending {
	e := ending{share: m.wrongResults(id) / float64(m.Jobs[id].Total())}
	for place, here := range m.opinions(id) {
		e.contested = e.contested || len(here) > 1 && !m.Jobs[id].Closed[place].hopeless()
	}
	return e
}

// rounding is by how much a share in fixed point may exceed the true one.
const rounding = 1e-8

// checkRisk: the risk of a job under way is what the votes make it.
func (m *trusting) checkRisk(t *rapid.T, id JobID, j *Job) {
	if j.State != JobRunning {
		return
	}
	got, want, places := float64(m.Risk(j))/1e9, m.wrongResults(id), float64(j.Next)
	if got < want-1e-9*places || got > want+rounding*places {
		t.Fatalf("%s: the risk is %.10f, want %.10f, of %+v, records %+v, tally %+v", id, got, want, j.Closed, j.Records, namedTally(m.State, j))
	}
}

// checkEnd: a job ends with what was asked for, unless it says that it does
// not, and as soon as it has what the rule works towards.
func (m *trusting) checkEnd(t *rapid.T, id JobID, j *Job) {
	if j.Spec.Trust.Fixed() {
		return
	}
	asked, aim := float64(j.Spec.Trust.MaxError)/1e9+1e-15, float64(j.aim())/1e9
	switch e := m.ended[id]; {
	case j.State == JobRunning:
		share := m.wrongResults(id) / float64(j.Total())
		if j.Settled() == j.Total() && len(j.Unheld) == 0 && !m.asking(j) && share+rounding <= aim {
			t.Fatalf("%s goes on with a share of %.10f where %.10f was asked for", id, share, asked)
		}
	case j.State != JobSucceeded:
	case j.Settled() != j.Total() || len(j.Unheld) > 0:
		t.Fatalf("%s succeeded with %d of %d tasks settled, %d results not held", id, j.Settled(), j.Total(), len(j.Unheld))
	case math.Abs(float64(j.Bound)/1e9-e.share-rounding/2) > rounding/2+2e-9:
		t.Fatalf("%s ended with a bound of %v, want %.10f", id, j.Bound, e.share)
	case !j.Conceded && (j.Short != "" || e.contested || e.share > asked):
		t.Fatalf("%s ended with a share of %.10f where %.10f was asked for, contested: %v, %q", id, e.share, asked, e.contested, j.Short)
	case j.Short == "" && e.share > asked || j.Short != "" && e.share+rounding < asked:
		t.Fatalf("%s conceded a share of %.10f where %.10f was asked for: %q", id, e.share, asked, j.Short)
	}
}
