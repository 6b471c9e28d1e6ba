package jobs

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// trusting sends random commands to a state with jobs under the rule of
// credibility (and now and then a fixed quorum), in which some owners lie, and
// keeps a record of its own of all that was said.
type trusting struct {
	*grid
	log     []Command // all that was applied
	answers []Outcome // to each of them
	founded int       // the number of commands before the veteran got its checks
	veteran OwnerID   // has survived many checks before
	checks  uint64
	liars   OwnerID // the first of those who lie
	workers []NodeID
	coords  []NodeID
	// said are the votes that were taken down, by lease.
	said map[LeaseID]statement
	// votes counts them, and given is how many there were when a lease was given.
	votes int
	given map[LeaseID]int
	// ended is what was true when jobs succeeded.
	ended map[JobID]ending
	// earned is what owners have from jobs that are forgotten.
	earned map[OwnerID]*recounted
}

func TestCredibilityKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { promise(t, newTrusting(t)) })
}

func TestSteadyChecksKeepTheirPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newTrusting(t)
		m.submitAny(t) // goes on by the rules by which it was submitted
		m.do(Command{Raise: &RaiseVersion{Version: LastVersion}})
		promise(t, m)
	})
}

func promise(t *rapid.T, m *trusting) {
	steps := []func(*rapid.T){
		m.planAny, m.planAny, m.planAny, m.reportAll, m.reportAny, m.reportAny, m.reportAny, m.confirmAll,
		m.grantAny, m.submitAny, m.submitAny, m.askEverybody, m.concedeAny, m.concedeAny, m.expireAny, m.joinAny, m.cancelAny, m.accuseAny,
	}
	m.submitAny(t)
	for range rapid.IntRange(10, 100).Draw(t, "steps") {
		rapid.SampledFrom(steps).Draw(t, "step")(t)
		m.check(t)
	}
	m.checkReplay(t)
}

// newTrusting has one to six owners, half of them with two workers. The last
// ones lie together.
func newTrusting(t *rapid.T) *trusting {
	m := &trusting{grid: newGrid(), coords: []NodeID{"c1"}, said: map[LeaseID]statement{}, given: map[LeaseID]int{}, ended: map[JobID]ending{}, earned: map[OwnerID]*recounted{}}
	m.State = NewState()
	saboteurs := rapid.SampledFrom([]Prob{0, One / 20, One / 3}).Draw(t, "saboteurs")
	m.do(Command{Found: &FoundGrid{Grid: "test", Coordinator: "c1", Operator: "op", Saboteurs: saboteurs}})
	m.join(Submitter, "sub", "ann", 0)
	owners := rapid.SampledFrom([]int{1, 2, 3, 4, 6, 6, 6}).Draw(t, "owners")
	m.liars = OwnerID(fmt.Sprint("o", owners-rapid.IntRange(0, (owners+1)/2).Draw(t, "liars")))
	for i := range owners * 3 / 2 {
		prior := Prob(0)
		if i == 8 {
			prior = One / 100
		}
		w := NodeID(fmt.Sprint("w", i))
		m.join(Worker, w, OwnerID(fmt.Sprint("o", i%owners)), prior)
		m.workers = append(m.workers, w)
	}
	m.veteran = OwnerID(fmt.Sprint("o", rapid.IntRange(0, owners-1).Draw(t, "veteran")))
	m.checks = rapid.SampledFrom([]uint64{0, 5, 1100, 100_000}).Draw(t, "checks")
	m.Owners[m.veteran].Checks = m.checks
	m.founded = len(m.log)
	return m
}

func (m *trusting) do(c Command) Outcome {
	c.At = m.clock
	ran := slices.Clone(m.Running())
	before := map[OwnerID]uint64{}
	for id, o := range m.Owners {
		before[id] = o.Checks
	}
	out := m.Apply(c)
	if broken := recount(m.State); broken != "" {
		panic(broken)
	}
	m.log, m.answers = append(m.log, c), append(m.answers, out)
	for _, lease := range out.Granted {
		m.given[lease] = m.votes
	}
	m.forget(ran, func(id OwnerID) bool { return before[id] >= steadfast && m.Owners[id].Checks == 0 })
	for _, id := range ran {
		if m.Jobs[id].State == JobSucceeded {
			m.ended[id] = m.end(id)
		}
	}
	return out
}

func (m *trusting) join(role Role, node NodeID, owner OwnerID, prior Prob) {
	token := TokenID(fmt.Sprint("for-", node, "-", len(m.log)))
	m.do(Command{CreateToken: &CreateToken{Token: token, Role: role, Uses: 1, Owner: owner, Expires: m.clock + 1, Prior: prior}})
	m.do(Command{Admit: &AdmitNode{Token: token, Node: node, Role: role}})
}

func (m *trusting) submitAny(t *rapid.T) {
	if len(m.Jobs) == 3 {
		return
	}
	trust := rapid.SampledFrom([]Trust{
		{MaxError: One / 2}, {MaxError: One / 20}, {MaxError: One / 100}, {MaxError: One / 1000}, {}, {Replicas: 1}, {Quorum: 2},
	}).Draw(t, "trust")
	spec := trustSpec(rapid.Int64Range(1, 12).Draw(t, "tasks"), trust)
	allowAny(t, &spec)
	seed := rapid.Uint64Range(0, 3).Draw(t, "seed")
	m.do(Command{Submit: &SubmitJob{Job: JobID(fmt.Sprint("j", len(m.Jobs))), Spec: spec, Submitter: "sub", Seed: seed}})
}

// forgetAny lets a job be removed, or time go by and the leader sweep.
func (m *trusting) forgetAny(t *rapid.T) {
	c := Forget{By: "sub", Jobs: []JobID{rapid.SampledFrom(append(sortedKeys(m.Jobs), "nosuch")).Draw(t, "job")}}
	if rapid.Bool().Draw(t, "cancel first") {
		m.do(Command{Cancel: &CancelJob{Job: c.Jobs[0], By: "sub"}})
	}
	if rapid.IntRange(0, 2).Draw(t, "sweep") == 0 {
		m.pass(rapid.SampledFrom([]time.Duration{time.Hour, 31 * day, 100 * day}).Draw(t, "later"))
		seen := slices.Clone(m.workers[:rapid.IntRange(1, len(m.workers)).Draw(t, "seen")])
		m.do(Command{See: &SeeNodes{Nodes: seen}})
		c = m.Overdue(m.clock)
		slices.Sort(c.Tokens)
		slices.Sort(c.Nodes)
	}
	for _, id := range c.Jobs {
		if j := m.Jobs[id]; j != nil && j.State != JobRunning {
			m.recount(t, id, m.earned)
			maps.DeleteFunc(m.said, func(_ LeaseID, s statement) bool { return s.job == id })
			delete(m.ended, id)
		}
	}
	m.do(Command{Forget: &c})
	m.workers = slices.DeleteFunc(m.workers, func(w NodeID) bool { return m.Nodes[w] == nil })
}

// anyJob is one that runs, if there is any.
func (m *trusting) anyJob(t *rapid.T) JobID {
	if len(m.Running()) == 0 {
		return JobID(fmt.Sprint("j", rapid.IntRange(0, 2).Draw(t, "job")))
	}
	return rapid.SampledFrom(m.Running()).Draw(t, "job")
}

// planAny gives out what a plan of checks proposes, all of which must hold.
func (m *trusting) planAny(t *rapid.T) {
	id := m.anyJob(t)
	j := m.Jobs[id]
	if j == nil || j.State != JobRunning || j.Spec.Trust.Fixed() || j.Conceded {
		return
	}
	p := m.PlanChecks(j, Rates{})
	next := j.Next
	random := rapid.Uint64().Draw(t, "draws")
	draw := func(n int) int { random++; return int(mix(random, 0, 0)) % n }
	var grants []Grant
	for range rapid.IntRange(1, 12).Draw(t, "grants") {
		worker := rapid.SampledFrom(m.workers).Draw(t, "worker")
		if m.BannedNode(worker) != "" || m.Owners[m.Nodes[worker].Owner].Tired() {
			continue // placement gives a tired one a lease at a time, at other moments
		}
		place, ok := Place(0), false
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			place, ok = p.Exam(worker, draw)
		case 1, 2:
			place, ok = p.Check(worker, func(a, b NodeID) int64 { return 1 + int64(a[1]&1) }, draw)
		}
		if !ok && int(next) < j.Total() {
			p.Begin(next, worker)
			place, ok = next, true
			next++
		}
		if ok {
			m.lastLease++
			grants = append(grants, Grant{Lease: m.lastLease, Job: id, Place: place, Worker: worker})
		}
	}
	out := m.do(Command{Grant: &GrantLeases{Grants: grants, Expires: m.clock.Add(leaseTime)}})
	if len(out.Granted) != len(grants) {
		t.Fatalf("of the plan %+v only %v were granted", grants, out.Granted)
	}
}

// grantAny gives out whatever may be.
func (m *trusting) grantAny(t *rapid.T) {
	var grants []Grant
	id := m.anyJob(t)
	for range rapid.IntRange(1, 8).Draw(t, "grants") {
		place := Place(rapid.Uint32Range(0, 12).Draw(t, "task"))
		if j := m.Jobs[id]; j != nil && rapid.Bool().Draw(t, "open") {
			place = rapid.SampledFrom(append(sortedKeys(j.Open), j.Next)).Draw(t, "which")
		}
		m.lastLease++
		grants = append(grants, Grant{
			Lease: m.lastLease, Job: id, Place: place, Worker: rapid.SampledFrom(m.workers).Draw(t, "worker"),
			Repeat: rapid.IntRange(0, 5).Draw(t, "repeat") == 0,
		})
	}
	m.do(Command{Grant: &GrantLeases{Grants: grants, Expires: m.clock.Add(leaseTime)}})
}

func (m *trusting) reportAny(t *rapid.T) { m.reportSome(t, rapid.IntRange(1, 8).Draw(t, "reports")) }

func (m *trusting) reportAll(t *rapid.T) { m.reportSome(t, math.MaxInt) }

func (m *trusting) reportSome(t *rapid.T, n int) {
	held := append(sortedKeys(m.State.leases.attempts), sortedKeys(m.State.silent.attempts)...)
	var reports []Report
	for range min(n, len(held)) {
		i := rapid.IntRange(0, len(held)-1).Draw(t, "lease")
		r := m.reportOf(t, held[i])
		held = slices.Delete(held, i, i+1)
		reports = append(reports, r)
	}
	m.take(reports)
}

// reportOf is mostly right, with liars who lie about the same tasks alike, and
// now and then an accident.
func (m *trusting) reportOf(t *rapid.T, id LeaseID) Report {
	p, worker, held := m.Lease(id)
	if !held {
		p, worker, _ = m.Silent(id)
	}
	how := rapid.SampledFrom([]string{"right", "right", "right", "right", "right", "right", "right", "right", "killed", "lost", "starved", "stray", "!1"}).Draw(t, "how")
	if o := m.Nodes[worker].Owner; o >= m.liars && how == "right" && rapid.Bool().Draw(t, "lies") {
		how = rapid.SampledFrom([]string{"lie", "overcharge", "!1"}).Draw(t, "about")
	} else if how == "right" && p.Place%4 == 3 && m.Jobs[p.Job].Spec.MayFail() > 0 {
		how = "!3" // a task on which the program fails
	}
	return vote(id, string(worker), burning(how, p.Place))
}

// burning adds how much fuel it took: so much for some tasks that the sum does
// not fit into 64 bits. Some liars tell of the right result and too much fuel.
func burning(how string, place Place) string {
	switch fuel := uint64(place) << 60; how {
	case "killed", "lost", "starved":
		return how
	case "overcharge":
		return fmt.Sprint("right@", uint64(math.MaxUint64))
	default:
		return fmt.Sprint(how, "@", fuel)
	}
}

// take sends reports and notes the votes that were taken down.
func (m *trusting) take(reports []Report) {
	if m.can(VersionInput) && len(reports) > 1 {
		// A report may close the task, so that another, of somebody who fell silent, comes
		// too late: one at a time tells which.
		for _, r := range reports {
			m.take([]Report{r})
		}
		return
	}
	for _, r := range reports {
		p, _, ok := m.Lease(r.Lease)
		if !ok {
			p, _, ok = m.Silent(r.Lease)
		}
		if ok && (r.Status == Succeeded || r.Status == Crashed) {
			m.votes++
			m.said[r.Lease] = statement{
				p.Job, p.Place, m.Nodes[r.Worker].Owner, Vote{r.Status == Crashed, r.ExitCode, r.Output, r.Fuel},
				m.votes, m.given[r.Lease], r.Worker,
			}
		}
	}
	m.do(Command{Report: &ReportAttempts{Reports: reports}})
}

// confirmAll says for a coordinator that it holds all there is, or some of it.
func (m *trusting) confirmAll(t *rapid.T) {
	by := rapid.SampledFrom(m.coords).Draw(t, "by")
	c := &ConfirmHeld{Coordinator: by}
	for _, id := range sortedKeys(m.Jobs) {
		h := HeldResults{Job: id}
		for seq := range Sequence(len(m.Jobs[id].Order)) {
			if rapid.IntRange(0, 9).Draw(t, "late") > 0 {
				h.Sequences = append(h.Sequences, seq)
			}
		}
		c.Results = append(c.Results, h)
	}
	m.do(Command{Confirm: c})
}

// askEverybody lets each worker run each task of a job.
func (m *trusting) askEverybody(t *rapid.T) {
	id := m.anyJob(t)
	j := m.Jobs[id]
	if j == nil {
		return
	}
	for _, w := range m.workers {
		var grants []Grant
		for place := range Place(j.Total()) {
			m.lastLease++
			grants = append(grants, Grant{Lease: m.lastLease, Job: id, Place: place, Worker: w})
		}
		m.do(Command{Grant: &GrantLeases{Grants: grants, Expires: m.clock.Add(leaseTime)}})
		m.reportAll(t)
	}
	m.confirmAll(t)
}

// concedeAny is what the leader does with a job that is exhausted.
func (m *trusting) concedeAny(t *rapid.T) {
	for _, id := range slices.Clone(m.Running()) {
		j := m.Jobs[id]
		if !m.AllAsked(j, m.free()) {
			continue
		}
		random := uint64(0)
		for _, w := range m.free() {
			if place, ok := m.PlanChecks(j, Rates{}).Check(w, func(a, b NodeID) int64 { return 1 }, func(n int) int { random++; return int(mix(random, 0, 0)) % n }); ok {
				t.Fatalf("%s is exhausted, and yet %s could check %d", id, w, place)
			}
		}
		if out := m.do(Command{Concede: &ConcedeJob{Job: id}}); out.Rejection != nil {
			t.Fatalf("%s is exhausted: %v", id, out.Rejection)
		}
	}
}

// accuseAny lets a node report another.
func (m *trusting) accuseAny(t *rapid.T) {
	by, of := rapid.SampledFrom(m.workers).Draw(t, "by"), rapid.SampledFrom(m.workers).Draw(t, "of")
	m.do(Command{Accuse: &AccusePeers{By: by, Nodes: []NodeID{of, by, "nobody"}}})
}

// free are the workers that may get work.
func (m *trusting) free() []NodeID {
	return slices.DeleteFunc(slices.Clone(m.workers), func(w NodeID) bool { return m.BannedNode(w) != "" })
}

func (m *trusting) expireAny(t *rapid.T) {
	m.pass(time.Duration(rapid.IntRange(0, 12_000).Draw(t, "ms")) * time.Millisecond)
	if rapid.Bool().Draw(t, "renew") {
		m.do(Command{Renew: &RenewLeases{All: true, Expires: m.clock.Add(leaseTime)}})
	}
	if w := rapid.SampledFrom(m.workers).Draw(t, "pauser"); rapid.Bool().Draw(t, "pauses") {
		m.do(Command{Renew: &RenewLeases{Paused: m.LeasesOf(w), Expires: m.clock.Add(leaseTime)}})
	} else {
		m.do(Command{Renew: &RenewLeases{Leases: m.LeasesOf(w), Expires: m.clock.Add(leaseTime)}})
	}
	if w := rapid.SampledFrom(m.workers).Draw(t, "returner"); rapid.Bool().Draw(t, "with the work") {
		m.do(Command{Renew: &RenewLeases{Leases: m.SilentOf(w), Expires: m.clock.Add(leaseTime)}})
	} else {
		m.do(Command{Renew: &RenewLeases{Gone: m.SilentOf(w), Expires: m.clock.Add(leaseTime)}})
	}
	m.do(Command{Expire: &ExpireLeases{}})
}

// joinAny lets another coordinator in, or a newcomer.
func (m *trusting) joinAny(t *rapid.T) {
	switch rapid.IntRange(0, 5).Draw(t, "who") {
	case 0:
		if len(m.coords) < 3 {
			m.coords = append(m.coords, NodeID(fmt.Sprint("c", len(m.coords)+1)))
			m.join(Coordinator, m.coords[len(m.coords)-1], "ops", 0)
		}
	case 1:
		w := NodeID(fmt.Sprint("w", len(m.Tokens)))
		owner := OwnerID(fmt.Sprint("a", len(m.Tokens))) // sorts before the others
		m.join(Worker, w, owner, 0)
		m.workers = append(m.workers, w)
	case 2:
		w := NodeID(fmt.Sprint("w", len(m.workers)))
		m.join(Worker, w, m.Nodes[rapid.SampledFrom(m.workers).Draw(t, "like")].Owner, One/100)
		if m.Nodes[w] != nil {
			m.workers = append(m.workers, w)
		}
	}
}

func (m *trusting) cancelAny(t *rapid.T) {
	if rapid.IntRange(0, 9).Draw(t, "really") == 0 {
		m.do(Command{Cancel: &CancelJob{Job: m.anyJob(t), By: "sub"}})
	}
}
