package coordinator

import (
	"context"
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"github.com/anthill-grid/anthill/coordinator/replica"
	"github.com/anthill-grid/anthill/coordinator/rpc"
	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/lab/handmade"
	"github.com/anthill-grid/anthill/jobs"
)

// bundle is the module of all jobs here.
var bundle = handmade.Noop()

// TestMain runs more tests at once than there are processors: they wait for
// elections and hardly compute.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "16"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// lab is a grid of one real replica, node c1, that leads.
type lab struct {
	testing.TB
	*replica.Replica
	transport *raft.InmemTransport
}

var quiet = slog.New(slog.DiscardHandler)

func newLab(t testing.TB) *lab {
	t.Helper()
	l := &lab{TB: t}
	l.Replica, l.transport = openReplica(t, "c1", "127.0.0.1:1")
	if err := l.Bootstrap(); err != nil {
		t.Fatal(err)
	}
	l.until("c1 leads", func() bool { return l.Barrier() == nil })
	l.do(jobs.Command{Found: &jobs.FoundGrid{Grid: "g", Coordinator: "c1", Operator: "op"}})
	return l
}

func openReplica(t testing.TB, id jobs.NodeID, address string) (*replica.Replica, *raft.InmemTransport) {
	t.Helper()
	_, transport := raft.NewInmemTransport(replica.Address(id, address))
	r, err := replica.Open(replica.Config{
		Node: id, Address: address, Dir: filepath.Join(t.TempDir(), "raft"), Alone: true, Transport: transport, Logger: quiet,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r, transport
}

func (l *lab) until(what string, done func() bool) {
	l.Helper()
	for end := time.Now().Add(10 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			l.Fatalf("waited too long until %s", what)
		}
	}
}

// do applies a command that must not be rejected.
func (l *lab) do(c jobs.Command) jobs.Outcome {
	l.Helper()
	c.At = jobs.TimeOf(time.Now())
	out, err := l.Propose(l.Context(), c)
	if err != nil {
		l.Fatal(err)
	}
	if out.Rejection != nil {
		l.Fatal(out.Rejection)
	}
	return out
}

// admit lets nodes in; each worker is its own owner.
func (l *lab) admit(role jobs.Role, nodes ...jobs.NodeID) {
	l.Helper()
	for _, id := range nodes {
		token := jobs.TokenID("token of " + id)
		l.do(jobs.Command{CreateToken: &jobs.CreateToken{Token: token, Role: role, Uses: 1, Expires: 1 << 50, Owner: jobs.OwnerID(id)}})
		l.do(jobs.Command{Admit: &jobs.AdmitNode{Token: token, Node: id, Role: role}})
	}
}

// submit makes a job of so many tasks that one vote accepts.
func (l *lab) submit(id jobs.JobID, tasks int64, change ...func(*jobs.SubmitJob)) {
	l.Helper()
	c := &jobs.SubmitJob{Job: id, Submitter: "op", Spec: jobs.Spec{
		Name: "j", Bundle: blob.Of(bundle).Ref(), Trust: jobs.Trust{Replicas: 1},
		Input: jobs.Input{Range: &jobs.Range{To: tasks, Step: 1}},
	}.WithDefaults()}
	for _, f := range change {
		f(c)
	}
	l.do(jobs.Command{Submit: c})
}

func (l *lab) grant(lease jobs.LeaseID, job jobs.JobID, task uint32, worker jobs.NodeID, life time.Duration) {
	l.Helper()
	g := jobs.Grant{Lease: lease, Job: job, Task: task, Worker: worker, Repeat: true}
	out := l.do(jobs.Command{Grant: &jobs.GrantLeases{Grants: []jobs.Grant{g}, Expires: jobs.TimeOf(time.Now().Add(life))}})
	if len(out.Granted) != 1 {
		l.Fatalf("lease %d was not granted", lease)
	}
}

// accept makes data the result of a job's next task, by a worker's word.
func (l *lab) accept(job jobs.JobID, task uint32, worker jobs.NodeID, data []byte) blob.Ref {
	l.Helper()
	lease := newLease()
	l.grant(lease, job, task, worker, time.Minute)
	ref := blob.Of(data).Ref()
	l.do(jobs.Command{Report: &jobs.ReportAttempts{Reports: []jobs.Report{{Lease: lease, Worker: worker, Status: jobs.Succeeded, Output: ref}}}})
	return ref
}

func (l *lab) holds(lease jobs.LeaseID) (yes bool) {
	l.View(func(s *jobs.State) { _, _, yes = s.Lease(lease) })
	return yes
}

func (l *lab) jobState(id jobs.JobID) (state jobs.JobState) {
	l.View(func(s *jobs.State) { state = s.Jobs[id].State })
	return state
}

// desk opens a desk, with its loops running if run is set.
func (l *lab) desk(run bool) *desk {
	l.Helper()
	d := newDesk(l.Replica, slog.New(slog.NewTextHandler(complaints{l.TB}, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err := d.open(l.Context()); err != nil {
		l.Fatal(err)
	}
	if run {
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() {
			d.run(ctx)
			close(ended)
		}()
		l.Cleanup(func() {
			cancel()
			<-ended
		})
	}
	return d
}

// complaints makes warnings errors of the test, but for the term's end.
type complaints struct{ testing.TB }

func (c complaints) Write(p []byte) (int, error) {
	if !strings.Contains(string(p), rpc.ErrNoLeader.Error()) {
		c.Errorf("warning: %s", p)
	}
	return len(p), nil
}
