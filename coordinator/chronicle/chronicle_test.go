package chronicle

import (
	"fmt"
	"testing"

	"github.com/anthill-grid/anthill/jobs"
)

// play is a state with a job that one worker runs.
type play struct {
	t *testing.T
	s *jobs.State
	c *Chronicle
	n int
}

func newPlay(t *testing.T) *play {
	p := &play{t: t, s: jobs.NewState(), c: New()}
	p.do(jobs.Command{Found: &jobs.FoundGrid{Grid: "g", Coordinator: "c", Operator: "op"}})
	p.do(jobs.Command{CreateToken: &jobs.CreateToken{Token: "t", Role: jobs.Worker, Expires: 1 << 60, Uses: 9, Owner: "ada"}})
	p.do(jobs.Command{Admit: &jobs.AdmitNode{Token: "t", Node: "w1", Role: jobs.Worker}})
	return p
}

func (p *play) do(cmd jobs.Command) jobs.Outcome {
	p.t.Helper()
	p.n++
	cmd.At, cmd.Request = jobs.Time(p.n)*1e9, jobs.RequestID(fmt.Sprint(p.n))
	out := p.s.Apply(cmd)
	if out.Rejection != nil {
		p.t.Fatalf("%+v", out.Rejection)
	}
	p.c.Observe(&cmd, out, p.s)
	return out
}

func (p *play) submit(id jobs.JobID) {
	spec := jobs.Spec{Name: "x", Metering: jobs.OldestMetering, Input: jobs.Input{Range: &jobs.Range{To: 10, Step: 1}}, Trust: jobs.Trust{Replicas: 1}}.WithDefaults()
	spec.Bundle.ID[0], spec.Bundle.Size = 1, 10
	p.do(jobs.Command{Submit: &jobs.SubmitJob{Job: id, Spec: spec, Submitter: "op"}})
}

func (p *play) grant(id jobs.JobID, lease jobs.LeaseID, place jobs.Place) {
	p.do(jobs.Command{Grant: &jobs.GrantLeases{Grants: []jobs.Grant{{Lease: lease, Job: id, Place: place, Worker: "w1"}}, Expires: 1 << 60}})
}

func TestAStoryIsToldOnceAndInOrder(t *testing.T) {
	p := newPlay(t)
	p.submit("j")
	r := p.c.Read("j")
	if n := r.News(p.s, 10); len(n.Workers)+len(n.Spans) != 0 {
		t.Fatalf("%+v before anything happened", n)
	}
	p.grant("j", 1, 0)
	p.grant("j", 2, 1)
	n := r.News(p.s, 10)
	if len(n.Workers) != 1 || n.Workers[0] != "w1" || len(n.Spans) != 2 || n.Spans[0].Lease != 1 || n.Spans[0].Ended != 0 {
		t.Fatalf("%+v", n)
	}
	if n := r.News(p.s, 10); len(n.Workers)+len(n.Spans) != 0 {
		t.Errorf("told twice: %+v", n)
	}
	p.do(jobs.Command{Report: &jobs.ReportAttempts{Reports: []jobs.Report{{Lease: 1, Worker: "w1", Status: jobs.Lost}}}})
	n = r.News(p.s, 10)
	if len(n.Spans) != 1 || n.Spans[0].Lease != 1 || n.Spans[0].Ending != jobs.Lost || n.Spans[0].Ended <= n.Spans[0].Begun {
		t.Errorf("%+v", n)
	}
	p.do(jobs.Command{Cancel: &jobs.CancelJob{Job: "j", By: "op"}})
	if n = r.News(p.s, 10); len(n.Spans) != 1 || n.Spans[0].Lease != 2 || n.Spans[0].Ended == 0 || n.Spans[0].Ending != 0 {
		t.Errorf("after the job was cancelled: %+v", n)
	}
	if n := p.c.Read("j").News(p.s, 1); len(n.Workers) != 1 || len(n.Spans) != 1 || n.Spans[0].Lease != 2 {
		t.Errorf("a second reader hears %+v, want the latest", n)
	}
}

// TestFlowsAreSums: what a worker has fetched is told when it has changed, as a sum, and
// counts for the one alone who held the lease.
func TestFlowsAreSums(t *testing.T) {
	p := newPlay(t)
	p.submit("j")
	r := p.c.Read("j")
	for i := range 3 {
		p.grant("j", jobs.LeaseID(i+1), jobs.Place(i))
	}
	report := func(lease jobs.LeaseID, worker jobs.NodeID) {
		p.c.Observe(&jobs.Command{Report: &jobs.ReportAttempts{Reports: []jobs.Report{{Lease: lease, Worker: worker, Status: jobs.Lost, Fetched: jobs.Traffic{FromSubmitter: 5, FromWorkers: 7}}}}}, jobs.Outcome{}, p.s)
	}
	report(1, "w1")
	report(2, "liar")
	report(3, "w1")
	if n := r.News(p.s, 10); len(n.Fetched) != 1 || n.Fetched[0] != (Fetched{Bytes: jobs.Traffic{FromSubmitter: 10, FromWorkers: 14}}) {
		t.Errorf("got %+v", n.Fetched)
	}
	if n := r.News(p.s, 10); len(n.Fetched) != 0 {
		t.Errorf("told twice: %+v", n.Fetched)
	}
}

// TestOldStoriesMakeRoom: what is remembered has an end.
func TestOldStoriesMakeRoom(t *testing.T) {
	p := newPlay(t)
	for i := range jobsKept + 5 {
		id := jobs.JobID(fmt.Sprintf("j%d", i))
		p.submit(id)
		p.grant(id, jobs.LeaseID(i+1), 0)
	}
	if len(p.c.jobs) != jobsKept || p.c.spans != jobsKept || len(p.c.leases) != jobsKept {
		t.Errorf("%d jobs, %d spans, %d leases are remembered", len(p.c.jobs), p.c.spans, len(p.c.leases))
	}
	if p.c.jobs["j0"] != nil || p.c.jobs["j5"] == nil {
		t.Error("the oldest were not forgotten")
	}
	s := p.c.jobs["j9"]
	for i := range spansKept + 1 {
		s.running[jobs.LeaseID(1<<40+i)] = Span{Lease: jobs.LeaseID(1<<40 + i)}
		p.c.spans++
		p.c.close(s, s.running[jobs.LeaseID(1<<40+i)], 5, jobs.Succeeded)
	}
	if len(s.ended) > spansKept || s.gone == 0 {
		t.Errorf("%d spans of a job, %d gone", len(s.ended), s.gone)
	}
}

func TestTrustIsThinned(t *testing.T) {
	var list []Point
	for i := range 10 * pointsKept {
		list = thin(append(list, Point{At: jobs.Time(i)}))
	}
	if len(list) > pointsKept || list[0].At != 0 || list[len(list)-1].At != 10*pointsKept-1 {
		t.Errorf("%d points from %d to %d", len(list), list[0].At, list[len(list)-1].At)
	}
	p := newPlay(t)
	p.c.sample(p.s)
	p.c.sample(p.s)
	h := p.c.Histories(func(id jobs.OwnerID) bool { return id == "ada" })
	if len(h) != 1 || len(h[0].Points) != 1 {
		t.Errorf("%+v", h)
	}
}
