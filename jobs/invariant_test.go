package jobs

import (
	"fmt"
	"math/bits"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/anthill-grid/anthill/internal/blob"
)

// machine sends random commands to a state and to the model of it.
type machine struct {
	*grid
	model   *model
	workers []string
	closed  map[JobID]map[uint32]blob.Ref
	leases  []Grant // ever proposed
	coords  []string
}

func TestStateAgreesWithADumbVersion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newMachine()
		// Most of what happens is grants and reports.
		steps := []func(*rapid.T){
			m.grantAny, m.grantAny, m.grantAny, m.reportAny, m.reportAny, m.reportAny,
			m.submitAny, m.confirmAny, m.renewAny, m.expireAny, m.cancelAny, m.addCoordinator,
		}
		m.submitAny(t)
		for range rapid.IntRange(10, 120).Draw(t, "steps") {
			rapid.SampledFrom(steps).Draw(t, "step")(t)
			m.check(t)
		}
	})
}

func newMachine() *machine {
	m := &machine{grid: newGrid(), model: newModel(), closed: map[JobID]map[uint32]blob.Ref{}, coords: []string{"c1"}}
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
		Quorum:   rapid.Uint32Range(1, 3).Draw(t, "quorum"),
	}
	spec.Trust.MaxAttempts = max(spec.Trust.Replicas, spec.Trust.Quorum) + rapid.Uint32Range(0, 3).Draw(t, "spare")
	id := JobID(fmt.Sprint("j", len(m.Jobs)))
	if out := m.submit(string(id), spec); out.Rejection != nil {
		t.Fatal(out.Rejection)
	}
	m.model.submit(id, spec.Trust)
	m.closed[id] = map[uint32]blob.Ref{}
}

func (m *machine) grantAny(t *rapid.T) {
	expires := m.clock.Add(leaseTime)
	var grants []Grant
	for range rapid.IntRange(1, 10).Draw(t, "grants") {
		m.lastLease++
		job := m.anyJob(t)
		grants = append(grants, Grant{
			Lease: m.lastLease, Job: job, Worker: NodeID(rapid.SampledFrom(m.workers).Draw(t, "worker")),
			Task: m.anyTask(t, job), Repeat: rapid.Bool().Draw(t, "repeat"),
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
		m.model.grant(g, owner, expires)
	}
}

func (m *machine) anyJob(t *rapid.T) JobID {
	return JobID(fmt.Sprint("j", rapid.IntRange(0, 2).Draw(t, "job")))
}

// anyTask is mostly one that may be given out.
func (m *machine) anyTask(t *rapid.T, id JobID) uint32 {
	j := m.Jobs[id]
	if j == nil || rapid.IntRange(0, 5).Draw(t, "wild") == 0 {
		return rapid.Uint32Range(0, 12).Draw(t, "task")
	}
	return rapid.SampledFrom(append(j.OpenTasks(), j.Next)).Draw(t, "task")
}

// reportAny sends reports of leases that are held, were, or never were.
func (m *machine) reportAny(t *rapid.T) {
	if len(m.leases) == 0 {
		return
	}
	held := sortedKeys(m.State.leases)
	var reports []Report
	for range rapid.IntRange(1, 10).Draw(t, "reports") {
		g := rapid.SampledFrom(m.leases).Draw(t, "lease")
		r := vote(g.Lease, string(g.Worker), rapid.SampledFrom([]string{"a", "a", "a", "a", "a", "a", "b", "!1", "killed", "lost"}).Draw(t, "how"))
		if len(held) > 0 && rapid.IntRange(0, 3).Draw(t, "wild") > 0 {
			r.Lease = rapid.SampledFrom(held).Draw(t, "held")
			_, r.Worker, _ = m.Lease(r.Lease)
		}
		if r.Worker == "w6" && r.Status == Succeeded {
			r.Output = fakeRef("lie")
		}
		reports = append(reports, r)
	}
	m.report(reports...)
	m.model.report(reports)
}

func (m *machine) confirmAny(t *rapid.T) {
	tasks := rapid.SliceOfN(rapid.Uint32Range(0, 12), 1, 12).Draw(t, "tasks")
	id := m.anyJob(t)
	m.confirm(rapid.SampledFrom(m.coords).Draw(t, "by"), string(id), tasks...)
	if j := m.Jobs[id]; j != nil && j.State == JobSucceeded && !m.model.jobs[id].over {
		m.model.finish(id)
		for i, c := range j.Closed {
			if bits.OnesCount64(c.Holders) < m.CopiesNeeded() {
				t.Fatalf("%s has succeeded, and %d copies of task %d are too few", id, bits.OnesCount64(c.Holders), i)
			}
		}
	}
}

func (m *machine) renewAny(t *rapid.T) {
	expires := m.clock.Add(leaseTime)
	m.apply(Command{Renew: &RenewLeases{All: true, Expires: expires}})
	for _, a := range m.model.attempts {
		a.Expires = max(a.Expires, expires)
	}
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
		m.checkJob(t, id, m.Jobs[id])
		m.checkClosed(t, id, m.Jobs[id])
	}
	m.checkLeases(t)
	for id, o := range m.model.owners {
		got := m.Owners[id]
		if got.Agreed != o.Agreed || got.Outvoted != o.Outvoted || (got.Banned != "") != (o.Banned != "") {
			t.Fatalf("owner %s: %+v, want %+v", id, got, o)
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
	if j.Done() > len(j.Order) || len(j.Order) > j.Total() || len(j.Closed) != int(j.Next) {
		t.Fatalf("%s: %d done, %d accepted, %d in all", id, j.Done(), len(j.Order), j.Total())
	}
	for i, task := range j.Open {
		v := j.Spec.Trust.Judge(task.Attempts)
		if v.Kind == Agreed || v.Kind == Failed {
			t.Fatalf("%s: task %d is open in spite of the verdict %+v", id, i, v)
		}
		if task.Running() == 0 && v.Want == 0 {
			t.Fatalf("%s: task %d is stuck: %+v", id, i, task)
		}
	}
}

// checkClosed: what is closed stays closed, with the output it had.
func (m *machine) checkClosed(t *rapid.T, id JobID, j *Job) {
	if len(j.Order) != len(m.model.jobs[id].closed) {
		t.Fatalf("%s: %d accepted, want %d", id, len(j.Order), len(m.model.jobs[id].closed))
	}
	for _, i := range j.Order {
		output := j.Closed[i].Output
		if old, seen := m.closed[id][i]; seen && old != output {
			t.Fatalf("%s: the output of task %d was %v and is %v", id, i, old, output)
		}
		m.closed[id][i] = output
		if j.Open[i] != nil || output != m.model.jobs[id].closed[i].Output || output.ID.IsZero() {
			t.Fatalf("%s: closed task %d: open %v, output %v", id, i, j.Open[i], output)
		}
		_, unheld := j.Unheld[i]
		if scarce := bits.OnesCount64(j.Closed[i].Holders) < m.CopiesNeeded(); j.State == JobRunning && scarce != unheld {
			t.Fatalf("%s: task %d has holders %b, unheld: %v", id, i, j.Closed[i].Holders, unheld)
		}
	}
	if len(m.closed[id]) != len(j.Order) {
		t.Fatalf("%s: a closed task has reopened", id)
	}
}

// checkLeases: the leases are those of the running attempts, the index of them
// is the one that Reindex makes, and no banned owner holds any.
func (m *machine) checkLeases(t *rapid.T) {
	held := map[LeaseID]NodeID{}
	for _, w := range m.workers {
		leases := m.LeasesOf(NodeID(w))
		if len(leases) > 0 && m.BannedNode(NodeID(w)) != "" {
			t.Fatalf("%s is banned and holds %v", w, leases)
		}
		for _, id := range leases {
			held[id] = NodeID(w)
		}
	}
	if want := m.model.running(); !reflect.DeepEqual(held, want) {
		t.Fatalf("leases %v, want %v", held, want)
	}
	fresh := m.Clone()
	fresh.Reindex()
	if !reflect.DeepEqual(m.State.leases, fresh.leases) || !reflect.DeepEqual(m.byWorker, fresh.byWorker) ||
		!reflect.DeepEqual(m.requests, fresh.requests) || !slices.Equal(m.running, fresh.running) {
		t.Fatalf("the index differs from a fresh one: %v, want %v", m.State.leases, fresh.leases)
	}
}
