package jobs

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
)

// start is the time at which grids of tests are founded.
const start Time = 1_000_000

// leaseTime is for how long the leases of tests live.
const leaseTime = 6 * time.Second

// grid is a state with shorthands to command it.
type grid struct {
	*State
	lastLease LeaseID
	clock     Time
}

// newGrid is founded, and has the newest rules: coordinator c1, operator op.
func newGrid() *grid { return gridAt(LastVersion) }

func gridAt(v Version) *grid {
	g := oldGrid()
	g.apply(Command{Raise: &RaiseVersion{Version: v}})
	return g
}

// oldGrid has the oldest rules.
func oldGrid() *grid {
	g := &grid{State: NewState(), clock: start}
	g.apply(Command{Found: &FoundGrid{Grid: "test", Coordinator: "c1", Operator: "op"}})
	return g
}

// gridOf has these workers, each of its own owner: w1 belongs to owner-w1.
func gridOf(workers ...string) *grid { return newGrid().with(workers...) }

func (g *grid) with(workers ...string) *grid {
	g.admit(Submitter, "sub", "ann")
	for _, w := range workers {
		g.admit(Worker, w, "owner-"+w)
	}
	return g
}

// apply holds the tally's invariant after every command of every script and test.
func (g *grid) apply(c Command) Outcome {
	c.At = g.clock
	out := g.Apply(c)
	if broken := recount(g.State); broken != "" {
		panic(broken)
	}
	return out
}

func (g *grid) pass(d time.Duration) { g.clock = g.clock.Add(d) }

func (g *grid) admit(role Role, node, owner string) { g.admitWith(role, node, owner, 0) }

// admitWith joins a node with a token that carries a prior.
func (g *grid) admitWith(role Role, node, owner string, prior Prob) {
	token := TokenID("token-for-" + node)
	create := CreateToken{Token: token, Role: role, Uses: 1, Owner: OwnerID(owner), Expires: g.clock + 1, Prior: prior}
	for _, c := range []Command{{CreateToken: &create}, {Admit: &AdmitNode{Token: token, Node: NodeID(node), Role: role}}} {
		if out := g.apply(c); out.Rejection != nil {
			panic(out.Rejection.Error())
		}
	}
}

func fakeRef(text string) blob.Ref {
	if text == "" {
		return blob.Ref{}
	}
	var r blob.Ref
	copy(r.ID[:], text)
	r.Size = int64(len(text))
	return r
}

// fixedTrust is two equal results of at most five.
var fixedTrust = Trust{Replicas: 2, Quorum: 2, MaxAttempts: 5}

// rangeSpec has tasks, a fixed quorum of two, and the defaults for the rest.
func rangeSpec(tasks int64) Spec { return trustSpec(tasks, fixedTrust) }

// boundSpec asks for a bound on the share of wrong results.
func boundSpec(tasks int64, maxError Prob) Spec { return trustSpec(tasks, Trust{MaxError: maxError}) }

func trustSpec(tasks int64, trust Trust) Spec {
	return Spec{Name: "job", Bundle: fakeRef("bundle"), Input: Input{Range: &Range{To: tasks, Step: 1}}, Trust: trust}.WithDefaults()
}

func (g *grid) submit(job string, spec Spec) Outcome {
	return g.apply(Command{Submit: &SubmitJob{Job: JobID(job), Spec: spec, Submitter: "sub"}})
}

// grant gives one lease, and answers its id or 0.
func (g *grid) grant(job string, place Place, worker string, repeat bool) LeaseID {
	g.lastLease++
	grant := Grant{Lease: g.lastLease, Job: JobID(job), Place: place, Worker: NodeID(worker), Repeat: repeat}
	out := g.apply(Command{Grant: &GrantLeases{Grants: []Grant{grant}, Expires: g.clock.Add(leaseTime)}})
	if len(out.Granted) == 0 {
		return 0
	}
	return g.lastLease
}

// vote reports how a lease ended: an output; "!3" crashed with exit code 3;
// "killed", "lost", "starved" and "stopped". "@9" after it: with 9 units of fuel used.
func vote(lease LeaseID, worker, how string) Report {
	r := Report{Lease: lease, Worker: NodeID(worker), Status: Succeeded}
	how, fuel, burnt := strings.Cut(how, "@")
	if burnt {
		fmt.Sscan(fuel, &r.Fuel)
	}
	switch code, crashed := strings.CutPrefix(how, "!"); {
	case crashed:
		r.Status, r.Reason = Crashed, "exit code "+code
		fmt.Sscan(code, &r.ExitCode)
	case how == "killed":
		r.Status, r.Reason = Killed, "time limit"
	case how == "lost":
		r.Status, r.Reason = Lost, "disk full"
	case how == "starved":
		r.Status, r.Reason = Starved, "nobody has the input"
	case how == "stopped":
		r.Status, r.Reason = Stopped, "the worker was stopped"
	default:
		r.Output = fakeRef(how)
	}
	return r
}

func (g *grid) report(reports ...Report) {
	g.apply(Command{Report: &ReportAttempts{Reports: reports}})
}

// run grants a task and reports at once how it went.
func (g *grid) run(job string, place Place, worker, how string) LeaseID {
	id := g.grant(job, place, worker, true)
	g.report(vote(id, worker, how))
	return id
}

// confirm says that a coordinator holds the latest results of tasks by their places.
func (g *grid) confirm(coordinator, job string, places ...Place) Outcome {
	return g.apply(Command{Confirm: &ConfirmHeld{Coordinator: NodeID(coordinator), Results: g.results(job, places)}})
}

// lose says that it holds them no more, miss that it gets them nowhere.
func (g *grid) lose(coordinator, job string, places ...Place) Outcome {
	return g.apply(Command{Confirm: &ConfirmHeld{Coordinator: NodeID(coordinator), Lost: true, Results: g.results(job, places)}})
}

func (g *grid) miss(coordinator, job string, places ...Place) Outcome {
	return g.apply(Command{Confirm: &ConfirmHeld{Coordinator: NodeID(coordinator), Missing: g.results(job, places)}})
}

// results are the latest ones of tasks by their places; where there is none it is a
// sequence that is not there yet.
func (g *grid) results(job string, places []Place) []HeldResults {
	h := HeldResults{Job: JobID(job)}
	j := g.Jobs[h.Job]
	for _, place := range places {
		switch {
		case j == nil:
			h.Sequences = append(h.Sequences, Sequence(place))
		case place < j.Next && !j.Closed[place].open():
			h.Sequences = append(h.Sequences, j.Closed[place].Sequence)
		default:
			h.Sequences = append(h.Sequences, Sequence(len(j.Order))+Sequence(place))
		}
	}
	return []HeldResults{h}
}

// giveUp is what the leader does of whom only these workers are heard.
func (g *grid) giveUp(job string, live ...string) Outcome {
	id := JobID(job)
	return g.apply(Command{Concede: &ConcedeJob{Job: id, Tasks: g.Forlorn(g.Jobs[id], nodeIDs(live))}})
}

func (g *grid) expire() { g.apply(Command{Expire: &ExpireLeases{}}) }

// beat is a heartbeat of workers that still have all that they held, gone one of those
// that have nothing of what they held when they fell silent.
func (g *grid) beat(workers ...string) {
	c := RenewLeases{Expires: g.clock.Add(leaseTime)}
	for _, w := range workers {
		c.Leases = append(c.Leases, append(g.LeasesOf(NodeID(w)), g.SilentOf(NodeID(w))...)...)
	}
	g.apply(Command{Renew: &c})
}

func (g *grid) gone(workers ...string) {
	c := RenewLeases{Expires: g.clock.Add(leaseTime)}
	for _, w := range workers {
		c.Gone = append(c.Gone, g.SilentOf(NodeID(w))...)
	}
	g.apply(Command{Renew: &c})
}

// lease finds the lease on a task that a worker holds, or held when it fell silent; or 0.
func (g *grid) lease(job string, place Place, worker string) LeaseID {
	for _, id := range append(g.LeasesOf(NodeID(worker)), g.SilentOf(NodeID(worker))...) {
		p, _, held := g.Lease(id)
		if !held {
			p, _, _ = g.Silent(id)
		}
		if p.Job == JobID(job) && p.Place == place {
			return id
		}
	}
	return 0
}

func (g *grid) mustBe(t *testing.T, job string, want JobState, reason string) *Job {
	t.Helper()
	j := g.Jobs[JobID(job)]
	if j.State != want || !strings.Contains(j.Reason, reason) {
		t.Fatalf("job %s is %v (%s), want %v (%s)", job, j.State, j.Reason, want, reason)
	}
	return j
}

// attemptStates are a task's attempts, oldest first.
func attemptStates(t *Task) []AttemptState {
	var list []AttemptState
	for _, a := range t.Attempts {
		list = append(list, a.State)
	}
	return list
}

func wantStates(t *testing.T, task *Task, want ...AttemptState) {
	t.Helper()
	if got := attemptStates(task); !slices.Equal(got, want) {
		t.Fatalf("attempts are %v, want %v", got, want)
	}
}
