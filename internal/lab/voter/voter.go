// Package voter is a grid of one real replica that leads, for tests of what stands on
// the replicated state.
package voter

import (
	"flag"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"github.com/anthill-grid/anthill/coordinator/replica"
	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/lab/handmade"
	"github.com/anthill-grid/anthill/jobs"
)

// Bundle is the module of all jobs here.
var Bundle = handmade.Noop()

// Main is the TestMain of packages that test on voters. It runs more tests at once than
// there are processors: they wait for elections and hardly compute.
func Main(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "16"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// Voter is the replica of node c1.
type Voter struct {
	testing.TB
	*replica.Replica
	Transport *raft.InmemTransport
}

// Quiet is a logger of what no test reads.
var Quiet = slog.New(slog.DiscardHandler)

// New is a voter that leads a grid g, which is founded and has the newest rules.
func New(t testing.TB) *Voter {
	t.Helper()
	v := Alone(t)
	v.Do(jobs.Command{Found: &jobs.FoundGrid{Grid: "g", Coordinator: "c1", Operator: "op"}})
	v.Do(jobs.Command{Raise: &jobs.RaiseVersion{Version: jobs.LastVersion}})
	return v
}

// Alone is a voter that leads, before the grid's first command.
func Alone(t testing.TB) *Voter {
	t.Helper()
	v := &Voter{TB: t}
	v.Replica, v.Transport = Open(t, "c1", "127.0.0.1:1")
	if err := v.Bootstrap(); err != nil {
		t.Fatal(err)
	}
	v.Until("c1 leads", func() bool { return v.Barrier() == nil })
	return v
}

// Open is a replica that is not bootstrapped yet.
func Open(t testing.TB, id jobs.NodeID, address string) (*replica.Replica, *raft.InmemTransport) {
	t.Helper()
	_, transport := raft.NewInmemTransport(replica.Address(id, address))
	r, err := replica.Open(replica.Config{
		Node: id, Address: address, Dir: filepath.Join(t.TempDir(), "raft"), Alone: true, Transport: transport, Logger: Quiet,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r, transport
}

// Until fails the test if it takes too long.
func (v *Voter) Until(what string, done func() bool) {
	v.Helper()
	Until(v.TB, what, done)
}

// Until fails a test if it takes too long until something is done.
func Until(t testing.TB, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited too long until %s", what)
		}
	}
}

// Do applies a command that must not be rejected.
func (v *Voter) Do(c jobs.Command) jobs.Outcome {
	v.Helper()
	c.At = jobs.TimeOf(time.Now())
	out, err := v.Propose(v.Context(), c)
	if err != nil {
		v.Fatal(err)
	}
	if out.Rejection != nil {
		v.Fatal(out.Rejection)
	}
	return out
}

// Admit lets nodes in; each worker is its own owner.
func (v *Voter) Admit(role jobs.Role, nodes ...jobs.NodeID) {
	v.Helper()
	for _, id := range nodes {
		token := jobs.TokenID("token of " + id)
		v.Do(jobs.Command{CreateToken: &jobs.CreateToken{Token: token, Role: role, Uses: 1, Expires: 1 << 50, Owner: jobs.OwnerID(id)}})
		v.Do(jobs.Command{Admit: &jobs.AdmitNode{Token: token, Node: id, Role: role}})
	}
}

// Submit makes a job of so many tasks that one vote accepts.
func (v *Voter) Submit(id jobs.JobID, tasks int64, change ...func(*jobs.SubmitJob)) {
	v.Helper()
	c := &jobs.SubmitJob{Job: id, Submitter: "op", Spec: jobs.Spec{
		Name: "j", Bundle: blob.Of(Bundle).Ref(), Trust: jobs.Trust{Replicas: 1},
		Input: jobs.Input{Range: &jobs.Range{To: tasks, Step: 1}},
	}.WithDefaults()}
	for _, f := range change {
		f(c)
	}
	v.Do(jobs.Command{Submit: c})
}

// Grant gives a lease that must be granted.
func (v *Voter) Grant(lease jobs.LeaseID, job jobs.JobID, place jobs.Place, worker jobs.NodeID, life time.Duration) {
	v.Helper()
	g := jobs.Grant{Lease: lease, Job: job, Place: place, Worker: worker, Repeat: true}
	out := v.Do(jobs.Command{Grant: &jobs.GrantLeases{Grants: []jobs.Grant{g}, Expires: jobs.TimeOf(time.Now().Add(life))}})
	if len(out.Granted) != 1 {
		v.Fatalf("lease %d was not granted", lease)
	}
}

// Accept makes data the result of a job's next task, by a worker's word.
func (v *Voter) Accept(job jobs.JobID, place jobs.Place, worker jobs.NodeID, data []byte) blob.Ref {
	v.Helper()
	lease := jobs.LeaseID(rand.Uint64())
	v.Grant(lease, job, place, worker, time.Minute)
	ref := blob.Of(data).Ref()
	v.Do(jobs.Command{Report: &jobs.ReportAttempts{Reports: []jobs.Report{{Lease: lease, Worker: worker, Status: jobs.Succeeded, Output: ref}}}})
	return ref
}

// Holds says whether a lease is held.
func (v *Voter) Holds(lease jobs.LeaseID) (yes bool) {
	v.View(func(s *jobs.State) { _, _, yes = s.Lease(lease) })
	return yes
}

// JobState is a job's state.
func (v *Voter) JobState(id jobs.JobID) (state jobs.JobState) {
	v.View(func(s *jobs.State) { state = s.Jobs[id].State })
	return state
}
