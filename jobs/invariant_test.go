package jobs

import (
	"fmt"
	"math/bits"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// machine sends random commands to a state and to the model of it.
type machine struct {
	*grid
	model   *model
	workers []string
	leases  []Grant // ever proposed
	coords  []string
}

func TestStateAgreesWithADumbVersion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newMachine()
		// Most of what happens is grants and reports.
		steps := []func(*rapid.T){
			m.grantAny, m.grantAny, m.grantAny, m.reportAny, m.reportAny, m.reportAny,
			m.submitAny, m.confirmAny, m.renewAny, m.beatAny, m.hearAny, m.expireAny, m.cancelAny, m.addCoordinator,
		}
		m.submitAny(t)
		for range rapid.IntRange(10, 120).Draw(t, "steps") {
			rapid.SampledFrom(steps).Draw(t, "step")(t)
			m.check(t)
		}
	})
}

func newMachine() *machine {
	// The model knows the rules before: one owner may have several voices.
	m := &machine{grid: gridAt(VersionStrangers), model: newModel(), coords: []string{"c1"}}
	m.admit(Submitter, "sub", "ann")
	for i := range 7 {
		w := fmt.Sprint("w", i)
		m.admit(Worker, w, fmt.Sprint("o", i/2)) // four owners, three with two nodes
		m.workers = append(m.workers, w)
	}
	return m
}

func (m *machine) submitAny(t *rapid.T) {
	if len(m.Jobs) == 3 {
		return
	}
	spec := rangeSpec(rapid.Int64Range(1, 12).Draw(t, "tasks"))
	spec.Trust = Trust{
		Replicas: rapid.Uint32Range(1, 3).Draw(t, "replicas"),
		Quorum:   rapid.Uint32Range(2, 3).Draw(t, "quorum"),
	}
	spec.Trust.MaxAttempts = max(spec.Trust.Replicas, spec.Trust.Quorum) + rapid.Uint32Range(0, 3).Draw(t, "spare")
	allowAny(t, &spec)
	id := JobID(fmt.Sprint("j", len(m.Jobs)))
	if out := m.submit(string(id), spec); out.Rejection != nil {
		t.Fatal(out.Rejection)
	}
	m.model.submit(id, spec.Trust, spec.MayFail())
}

// allowAny lets no task fail, some, or all.
func allowAny(t *rapid.T, spec *Spec) {
	switch tasks := uint32(spec.Input.Tasks()); rapid.IntRange(0, 3).Draw(t, "allow") {
	case 1:
		spec.AllowFailed = rapid.Uint32Range(1, tasks).Draw(t, "failed")
	case 2:
		spec.AllowFailedShare = One / 3
	case 3:
		spec.AllowFailedShare = One
	}
}

func (m *machine) grantAny(t *rapid.T) {
	expires := m.clock.Add(leaseTime)
	var grants []Grant
	for range rapid.IntRange(1, 10).Draw(t, "grants") {
		m.lastLease++
		job := m.anyJob(t)
		grants = append(grants, Grant{
			Lease: m.lastLease, Job: job, Worker: NodeID(rapid.SampledFrom(m.workers).Draw(t, "worker")),
			Place: m.anyTask(t, job), Repeat: rapid.Bool().Draw(t, "repeat"),
		})
	}
	m.leases = append(m.leases, grants...)
	out := m.apply(Command{Grant: &GrantLeases{Grants: grants, Expires: expires}})
	for _, g := range grants {
		owner := m.Nodes[g.Worker].Owner
		if !slices.Contains(out.Granted, g.Lease) {
			continue
		}
		if !m.model.mayGrant(g, owner) {
			t.Fatalf("%+v was granted", g)
		}
		m.model.grant(g, owner, m.clock, expires)
	}
}

func (m *machine) anyJob(t *rapid.T) JobID {
	return JobID(fmt.Sprint("j", rapid.IntRange(0, 2).Draw(t, "job")))
}

// anyTask is mostly one that may be given out.
func (m *machine) anyTask(t *rapid.T, id JobID) Place {
	j := m.Jobs[id]
	if j == nil || rapid.IntRange(0, 5).Draw(t, "wild") == 0 {
		return Place(rapid.Uint32Range(0, 12).Draw(t, "task"))
	}
	return rapid.SampledFrom(append(sortedKeys(j.Open), j.Next)).Draw(t, "task")
}

// reportAny sends reports of leases that are held, were, or never were.
func (m *machine) reportAny(t *rapid.T) {
	if len(m.leases) == 0 {
		return
	}
	held := sortedKeys(m.State.leases.attempts)
	var reports []Report
	for range rapid.IntRange(1, 10).Draw(t, "reports") {
		g := rapid.SampledFrom(m.leases).Draw(t, "lease")
		r := vote(g.Lease, string(g.Worker), rapid.SampledFrom([]string{"a@9", "a@9", "a@9", "a@9", "a@9", "a@9", "b", "a@8", "!1", "!1", "!1@2", "killed", "killed", "lost", "starved", "stopped"}).Draw(t, "how"))
		if len(held) > 0 && rapid.IntRange(0, 3).Draw(t, "wild") > 0 {
			r.Lease = rapid.SampledFrom(held).Draw(t, "held")
			_, r.Worker, _ = m.Lease(r.Lease)
		}
		if liar := r.Worker >= "w4"; liar && r.Status == Succeeded && rapid.Bool().Draw(t, "lie") {
			r.Output = fakeRef("lie") // o2 and o3 work together
		}
		reports = append(reports, r)
	}
	m.report(reports...)
	m.model.report(reports)
}

func (m *machine) confirmAny(t *rapid.T) {
	var sequences []Sequence
	for _, seq := range rapid.SliceOfN(rapid.Uint32Range(0, 15), 1, 15).Draw(t, "sequences") {
		sequences = append(sequences, Sequence(seq))
	}
	id := m.anyJob(t)
	by := NodeID(rapid.SampledFrom(m.coords).Draw(t, "by"))
	lost := rapid.IntRange(0, 3).Draw(t, "lost") == 0
	m.apply(Command{Confirm: &ConfirmHeld{Coordinator: by, Lost: lost, Results: []HeldResults{{id, sequences}}}})
}

// checkSuccess: a job succeeds when all of its tasks are closed, and all results held. It
// may be the last task's failing that ends it.
func (m *machine) checkSuccess(t *rapid.T, id JobID, j *Job) {
	want := m.model.jobs[id]
	if j.State != JobSucceeded || want.over {
		return
	}
	m.model.finish(id)
	if len(want.closed) != j.Total() || want.failed() > want.allowed {
		t.Fatalf("%s has succeeded with %d of %d tasks closed, and %d failed of %d that may", id, len(want.closed), j.Total(), want.failed(), want.allowed)
	}
	for i, c := range j.Closed {
		if !c.failed() && m.copiesIn(c.Holders) < m.CopiesNeeded() {
			t.Fatalf("%s has succeeded, and %d copies of task %d are too few", id, bits.OnesCount64(c.Holders), i)
		}
	}
}

func (m *machine) renewAny(t *rapid.T) {
	expires := m.clock.Add(leaseTime)
	m.apply(Command{Renew: &RenewLeases{All: true, Expires: expires}})
	m.model.renew(m.clock, expires)
}

// beatAny has a worker come back with a part of what it held when it fell silent.
func (m *machine) beatAny(t *rapid.T) {
	w := NodeID(rapid.SampledFrom(m.workers).Draw(t, "worker"))
	c := RenewLeases{Leases: m.LeasesOf(w), Expires: m.clock.Add(leaseTime)}
	for _, id := range m.SilentOf(w) {
		switch rapid.IntRange(0, 3).Draw(t, "still") {
		case 0:
			c.Gone = append(c.Gone, id)
		case 1, 2:
			c.Leases = append(c.Leases, id)
		}
	}
	m.apply(Command{Renew: &c})
	m.model.beat(c.Leases, c.Gone, m.clock, c.Expires)
}

// hearAny has a worker go on with what it holds, but for a part that it does not name.
func (m *machine) hearAny(t *rapid.T) {
	w := NodeID(rapid.SampledFrom(m.workers).Draw(t, "worker"))
	heard, named := WorkerHeard{Worker: m.Nodes[w].Number}, []LeaseID{}
	for _, id := range m.LeasesOf(w) {
		if rapid.IntRange(0, 3).Draw(t, "unnamed") == 0 {
			heard.Unnamed = append(heard.Unnamed, id)
		} else {
			named = append(named, id)
		}
	}
	c := RenewLeases{Workers: []WorkerHeard{heard}, Expires: m.clock.Add(leaseTime)}
	m.apply(Command{Renew: &c})
	m.model.beat(named, nil, m.clock, c.Expires)
}

func (m *machine) expireAny(t *rapid.T) {
	m.pass(time.Duration(rapid.IntRange(0, 4000).Draw(t, "ms")) * time.Millisecond)
	m.expire()
	m.model.expire(m.clock)
}

func (m *machine) cancelAny(t *rapid.T) {
	if rapid.IntRange(0, 19).Draw(t, "really") > 0 {
		return
	}
	id := m.anyJob(t)
	if out := m.apply(Command{Cancel: &CancelJob{Job: id, By: "sub"}}); out.Rejection == nil {
		m.model.finish(id)
	}
}

func (m *machine) addCoordinator(t *rapid.T) {
	if len(m.coords) == 3 || rapid.IntRange(0, 4).Draw(t, "really") > 0 {
		return
	}
	m.coords = append(m.coords, fmt.Sprint("c", len(m.coords)+1))
	m.admit(Coordinator, m.coords[len(m.coords)-1], "ops")
}

func (m *machine) check(t *rapid.T) {
	for _, id := range sortedKeys(m.Jobs) {
		m.checkSuccess(t, id, m.Jobs[id])
		m.checkJob(t, id, m.Jobs[id])
		m.checkClosed(t, id, m.Jobs[id])
	}
	m.checkLeases(t)
	for id, o := range m.model.owners {
		got := m.Owners[id]
		if got.Agreed != o.Agreed || got.Outvoted != o.Outvoted || got.Checks != o.Checks || (got.Banned != "") != (o.Banned != "") {
			t.Fatalf("owner %s: %+v, want %+v", id, got, o)
		}
		if got.Banned == "" && got.Fuel != (FuelSum{Low: m.model.fuel[id]}) {
			t.Fatalf("owner %s: credited with %v of fuel, want %d", id, got.Fuel, m.model.fuel[id])
		}
	}
}

func (m *machine) checkJob(t *rapid.T, id JobID, j *Job) {
	want := m.model.jobs[id]
	if (j.State != JobRunning) != want.over || slices.Contains(m.Running(), id) == want.over {
		t.Fatalf("%s is %v, over: %v", id, j.State, want.over)
	}
	if j.Attempts != want.counts {
		t.Fatalf("%s: counts %+v, want %+v", id, j.Attempts, want.counts)
	}
	if j.Done() > j.Accepted() || j.Accepted() > j.Total() || len(j.Closed) != int(j.Next) {
		t.Fatalf("%s: %d done, %d accepted, %d in all", id, j.Done(), j.Accepted(), j.Total())
	}
	for i, task := range j.Open {
		v := m.Judge(j, task)
		if v.Kind == Agreed || v.Kind == Failed {
			t.Fatalf("%s: task %d is open in spite of the verdict %+v", id, i, v)
		}
		if task.Running() == 0 && v.Want == 0 {
			t.Fatalf("%s: task %d is stuck: %+v", id, i, task)
		}
	}
}

// checkClosed: the same tasks have the same results, and what happened to them
// after they had one before is told.
func (m *machine) checkClosed(t *rapid.T, id JobID, j *Job) {
	want, fuel := m.model.jobs[id], uint64(0)
	for i := range j.Next {
		v, closed := want.closed[i]
		c := &j.Closed[i]
		if c.open() == closed || c.vote() != v || closed && j.Open[i] != nil {
			t.Fatalf("%s: task %d: %+v, open %v, want %+v", id, i, c, j.Open[i], v)
		}
		fuel += v.Fuel
		_, unheld := j.Unheld[i]
		if scarce := closed && !c.failed() && m.copiesIn(c.Holders) < m.CopiesNeeded(); j.State == JobRunning && scarce != unheld {
			t.Fatalf("%s: task %d has holders %b, unheld: %v", id, i, c.Holders, unheld)
		}
	}
	if j.Fuel != (FuelSum{Low: fuel}) {
		t.Fatalf("%s: its results took %d of fuel, counted %v", id, fuel, j.Fuel)
	}
	checkOrder(t, id, j)
	checkFailures(t, id, j)
	if int(j.Reopened) < len(want.reopened) {
		t.Fatalf("%s: %d tasks reopened, want %d", id, j.Reopened, len(want.reopened))
	}
}

// checkOrder: each result has one place in the order of acceptance.
func checkOrder(t *rapid.T, id JobID, j *Job) {
	current := 0
	for seq, place := range j.Order {
		if j.Current(Sequence(seq)) {
			current++
		}
		if c := &j.Closed[place]; !c.open() && !c.failed() && (int(c.Sequence) >= len(j.Order) || j.Order[c.Sequence] != place) {
			t.Fatalf("%s: task %d was accepted as number %d, which is task %v", id, place, c.Sequence, j.Order)
		}
	}
	closed := 0
	for i := range j.Closed {
		if c := &j.Closed[i]; !c.open() && !c.failed() {
			closed++
		}
	}
	if closed != j.Count || current != j.Count {
		t.Fatalf("%s: %d results, %d in order, counted as %d", id, closed, current, j.Count)
	}
}

// checkLeases: the leases are those of the running attempts, those that may be given
// back those of the silent, the indexes of them are the ones that Reindex makes, and no
// banned owner has any.
func (m *machine) checkLeases(t *rapid.T) {
	held, silent := map[LeaseID]NodeID{}, map[LeaseID]NodeID{}
	for _, w := range m.workers {
		leases, lost := m.LeasesOf(NodeID(w)), m.SilentOf(NodeID(w))
		if len(leases)+len(lost) > 0 && m.BannedNode(NodeID(w)) != "" {
			t.Fatalf("%s is banned and holds %v, or %v", w, leases, lost)
		}
		for _, id := range leases {
			held[id] = NodeID(w)
		}
		for _, id := range lost {
			silent[id] = NodeID(w)
		}
	}
	if want := m.model.leases(AttemptRunning); !reflect.DeepEqual(held, want) {
		t.Fatalf("leases %v, want %v", held, want)
	}
	if want := m.model.leases(AttemptSilent); !reflect.DeepEqual(silent, want) {
		t.Fatalf("silent leases %v, want %v", silent, want)
	}
	fresh := m.Clone()
	fresh.Reindex()
	m.checkAgenda(t, fresh)
	if !reflect.DeepEqual(m.State.leases.attempts, fresh.leases.attempts) || !reflect.DeepEqual(m.silent.attempts, fresh.silent.attempts) ||
		!reflect.DeepEqual(m.requests, fresh.requests) || !slices.Equal(m.running, fresh.running) {
		t.Fatalf("the index differs from a fresh one: %v, want %v", m.State.leases, fresh.leases)
	}
}
