package rpc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/anthill-grid/anthill/coordinator/chronicle"
	"github.com/anthill-grid/anthill/coordinator/desk"
	"github.com/anthill-grid/anthill/coordinator/keeper"
	"github.com/anthill-grid/anthill/coordinator/logbook"
	"github.com/anthill-grid/anthill/coordinator/placement"
	"github.com/anthill-grid/anthill/coordinator/replica"
	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/internal/enrol"
	"github.com/anthill-grid/anthill/internal/gridconn"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/membership"
	"github.com/anthill-grid/anthill/internal/reach"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/internal/waits"
	"github.com/anthill-grid/anthill/internal/wire"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// fakeDesk notes what it is told.
type fakeDesk struct {
	mu         sync.Mutex
	leading    bool
	leases     []desk.Lease
	introduced []swarm.Provider
	probes     []string
	beats      map[jobs.NodeID]desk.Beat
	reports    []jobs.Report
	terms      map[jobs.NodeID]placement.Terms
	declined   []jobs.LeaseID
	capacity   int
	metering   uint32                 // of the last offer
	newest     map[jobs.NodeID]uint32 // rules of counting fuel that live workers know
}

func (d *fakeDesk) Leading() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.leading
}

func (d *fakeDesk) Offer(_ context.Context, _ jobs.NodeID, capacity int, metering uint32) ([]desk.Lease, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.capacity, d.metering = capacity, metering
	return d.leases, nil
}

func (d *fakeDesk) Report(_ context.Context, reports []jobs.Report) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reports = reports
	return nil
}

func (d *fakeDesk) Heartbeat(id jobs.NodeID, beat desk.Beat) ([]jobs.LeaseID, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.beats[id] = beat
	return []jobs.LeaseID{42}, nil
}

func (d *fakeDesk) Lend(id jobs.NodeID, t placement.Terms) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.terms == nil {
		d.terms = map[jobs.NodeID]placement.Terms{}
	}
	d.terms[id] = t
}

func (d *fakeDesk) Terms(id jobs.NodeID) placement.Terms {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.terms[id]
}

func (d *fakeDesk) Decline(_ jobs.NodeID, leases []jobs.LeaseID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.declined = append(d.declined, leases...)
}

func (d *fakeDesk) Declines(jobs.NodeID, jobs.JobID) bool { return false }

func (d *fakeDesk) Confirm(context.Context, jobs.ConfirmHeld) error { return nil }

func (d *fakeDesk) Introduce(_ jobs.NodeID, self swarm.Provider, list []desk.Announcement) ([][]swarm.Provider, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.introduced = append(d.introduced, self)
	return make([][]swarm.Provider, len(list)), nil
}

func (d *fakeDesk) Probe(by jobs.OwnerID, node jobs.NodeID, id blob.ID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.probes = append(d.probes, string(by)+" "+string(node)+" "+id.String())
}

func (d *fakeDesk) lastIntroduced() swarm.Provider {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.introduced[len(d.introduced)-1]
}

// located are the workers that are known to be live.
func (d *fakeDesk) located(context.Context) map[jobs.NodeID]string {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := map[jobs.NodeID]string{}
	for id := range d.newest {
		list[id] = "h:1"
	}
	return list
}

func (d *fakeDesk) Left(jobs.NodeID) bool { return false }

func (d *fakeDesk) Slots(id jobs.NodeID) (slots int, paused bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.beats[id].Slots, d.beats[id].Paused
}

// members are those that are alive.
func (d *fakeDesk) members() (list []membership.Member) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for id := range d.newest {
		list = append(list, membership.Member{Node: id, Role: jobs.Worker, Status: membership.Alive})
	}
	return list
}

func (d *fakeDesk) Counting(metering uint32) (able, outdated int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, newest := range d.newest {
		if newest >= metering {
			able++
		} else {
			outdated++
		}
	}
	return able, outdated
}

func (d *fakeDesk) Fuel(jobs.JobID) map[jobs.LeaseID]uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := map[jobs.LeaseID]uint64{}
	for _, beat := range d.beats {
		maps.Copy(all, beat.Fuel)
	}
	return all
}

// shelf has results by their id.
type shelf struct {
	mu      sync.Mutex
	data    map[blob.ID][]byte
	full    error
	lacks   waits.Wait
	copying keeper.Copying
	// demanded are the jobs whose results somebody lacked.
	demanded map[jobs.JobID]bool
}

func (s *shelf) Store(outputs [][]byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, data := range outputs {
		s.data[blob.Of(data).ID()] = data
	}
	return nil
}

func (s *shelf) Fits([]blob.Ref) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.full
}

func (s *shelf) Tell(jobs.NodeID, blob.ID) {}

func (s *shelf) DatasetSpace() int64 { return 1 << 30 }

func (s *shelf) Lacks(*jobs.State, jobs.JobID) waits.Wait {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lacks
}

func (s *shelf) Copying(jobs.JobID) keeper.Copying {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.copying
}
func (s *shelf) Demand(id jobs.JobID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.demanded == nil {
		s.demanded = map[jobs.JobID]bool{}
	}
	s.demanded[id] = true
}

func (s *shelf) Result(ref blob.Ref) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	data, here := s.data[ref.ID]
	return data, here
}

// grid is one replica behind two servers: the leader, and one that forwards to
// it.
type grid struct {
	testing.TB
	*replica.Replica
	authority *identity.Authority
	desk      *fakeDesk // the leader's
	results   *shelf
	chronicle *chronicle.Chronicle
	leader    string
	follower  string
}

func start(t *testing.T) *grid {
	t.Helper()
	authority, err := identity.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	g := &grid{TB: t, authority: authority, chronicle: chronicle.New(), results: &shelf{data: map[blob.ID][]byte{}}, desk: &fakeDesk{leading: true, beats: map[jobs.NodeID]desk.Beat{}}}
	leader := g.issue(jobs.Coordinator)
	listener := g.listen()
	g.leader = listener.Addr().String()
	_, transport := raft.NewInmemTransport(replica.Address(leader.Node(), g.leader))
	g.Replica, err = replica.Open(replica.Config{
		Node: leader.Node(), Address: g.leader, Dir: filepath.Join(t.TempDir(), "raft"), Alone: true,
		Transport: transport, Observe: g.chronicle.Observe, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close() })
	if err := g.Bootstrap(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); g.Barrier() != nil && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
	}
	g.do(jobs.Command{Found: &jobs.FoundGrid{Grid: "g", Coordinator: leader.Node(), Operator: "op"}})
	g.serve(leader, g.desk, listener)
	g.follower = g.serve(g.admit(jobs.Coordinator, "coordinators"), &fakeDesk{}, g.listen())
	return g
}

func (g *grid) listen() net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		g.Fatal(err)
	}
	return l
}

func (g *grid) serve(id *identity.Identity, d Desk, l net.Listener) string {
	g.run(id, d, l)
	return l.Addr().String()
}

func (g *grid) run(id *identity.Identity, d Desk, l net.Listener) *Server {
	pool := gridconn.NewPool(id)
	logs, err := logbook.Open(g.TempDir())
	if err != nil {
		g.Fatal(err)
	}
	s := New(Config{
		Chronicle: g.chronicle, Logs: logs,
		Node: id.Node(), Replica: g.Replica, ClockOf: func(jobs.NodeID) (time.Duration, bool) { return 0, false }, Desk: d, Results: g.results, Authorities: identity.NewAuthorities(g.authority), Workers: g.desk.located,
		Members: g.desk.members, Heard: g.desk.members, DialCoordinator: pool.Dial,
		Prove: func(ctx context.Context, node jobs.NodeID, address string) error {
			conn, err := reach.DialTLS(ctx, address, id.ClientTLS(identity.WantNode(node), identity.ProtoGRPC))
			if err != nil {
				return err
			}
			return conn.Close()
		},
		Pieces: swarm.NewServer(swarm.ServerConfig{}), Logger: slog.New(slog.DiscardHandler),
	}, id, identity.Handover{})
	go s.Serve(l)
	g.Cleanup(func() {
		s.Stop()
		pool.Close()
	})
	return s
}

func (g *grid) issue(role jobs.Role) *identity.Identity {
	g.Helper()
	key, err := identity.NewKey()
	if err != nil {
		g.Fatal(err)
	}
	der, err := g.authority.Issue(key.Public(), role, nil)
	if err != nil {
		g.Fatal(err)
	}
	id, err := identity.New(key, der, g.authority.Certificate())
	if err != nil {
		g.Fatal(err)
	}
	return id
}

func (g *grid) do(c jobs.Command) jobs.Outcome {
	g.Helper()
	c.At = jobs.TimeOf(time.Now())
	out, err := g.Propose(context.Background(), c)
	if err != nil || out.Rejection != nil {
		g.Fatal(err, out.Rejection)
	}
	return out
}

// admit lets a node of an owner in.
func (g *grid) admit(role jobs.Role, owner jobs.OwnerID) *identity.Identity {
	g.Helper()
	id := g.issue(role)
	token := jobs.TokenID("token of " + id.Node())
	g.do(jobs.Command{CreateToken: &jobs.CreateToken{Token: token, Role: role, Uses: 1, Expires: 1 << 50, Owner: owner}})
	g.do(jobs.Command{Admit: &jobs.AdmitNode{Token: token, Node: id.Node(), Role: role}})
	return id
}

// accept makes data the result of the task at a place, by one worker's word.
func (g *grid) accept(job jobs.JobID, place jobs.Place, worker jobs.NodeID, data []byte) blob.Ref {
	g.Helper()
	if err := g.results.Store([][]byte{data}); err != nil {
		g.Fatal(err)
	}
	output, lease := blob.Of(data).Ref(), jobs.LeaseID(place+1)
	g.do(jobs.Command{Grant: &jobs.GrantLeases{Expires: 1 << 50, Grants: []jobs.Grant{{Lease: lease, Job: job, Place: place, Worker: worker}}}})
	g.do(jobs.Command{Report: &jobs.ReportAttempts{Reports: []jobs.Report{{Lease: lease, Worker: worker, Status: jobs.Succeeded, Output: output}}}})
	return output
}

func (g *grid) taskAt(job jobs.JobID, place jobs.Place) (task uint32) {
	g.View(func(s *jobs.State) { task = uint32(s.Jobs[job].TaskAt(place)) })
	return task
}

func (g *grid) dial(id *identity.Identity, address string) *gridconn.Conn {
	g.Helper()
	c, err := gridconn.Dial(id, []string{address})
	if err != nil {
		g.Fatal(err)
	}
	g.Cleanup(func() { c.Close() })
	return c
}

func ctx(t *testing.T) context.Context {
	c, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return c
}

func expect(t *testing.T, what string, err error, code codes.Code, reason string) {
	t.Helper()
	if got, _, _ := details(err); status.Code(err) != code || got != reason {
		t.Errorf("%s: got %v with reason %q, want %v with %q", what, err, got, code, reason)
	}
}

func rangeSpec() *anthillv1.JobSpec {
	return &anthillv1.JobSpec{
		Name: "count", Bundle: wire.RefToProto(blob.Of([]byte("bundle")).Ref()), Trust: &anthillv1.Trust{Replicas: 1},
		Input: &anthillv1.Input{Source: &anthillv1.Input_Range{Range: &anthillv1.RangeInput{To: 3, Step: 1}}},
	}
}

func TestFollowersForwardInTheCallersName(t *testing.T) {
	t.Parallel()
	g := start(t)
	worker := g.admit(jobs.Worker, "w")
	work := anthillv1.NewWorkServiceClient(g.dial(worker, g.follower))
	resp, err := work.Heartbeat(ctx(t), &anthillv1.HeartbeatRequest{Slots: 3, Address: "h:1"})
	if err != nil || len(resp.GetVoidLeases()) != 1 || resp.GetLeaseDuration().AsDuration() != jobs.LeaseDuration {
		t.Fatalf("got %v, %v", resp, err)
	}
	if beat := g.desk.beats[worker.Node()]; beat.Slots != 3 || len(g.desk.beats) != 1 {
		t.Errorf("the leader heard %v", g.desk.beats)
	}
	// A caller cannot take another's name by the coordinators' header.
	operator := caller{Peer: identity.Peer{Role: jobs.Operator}, key: g.issue(jobs.Operator).Key.Public()}
	for _, address := range []string{g.follower, g.leader} {
		submitter := anthillv1.NewEnrolmentServiceClient(g.dial(g.admit(jobs.Submitter, "s"), address))
		spoofed := metadata.AppendToOutgoingContext(ctx(t), forwardedFor, operator.encode())
		_, err := submitter.CreateToken(spoofed, &anthillv1.CreateTokenRequest{Role: anthillv1.Role_ROLE_WORKER})
		expect(t, "a submitter that says it is an operator", err, codes.PermissionDenied, "WRONG_ROLE")
	}
}

func TestForwardingDoesNotGoRound(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.desk.mu.Lock()
	g.desk.leading = false
	g.desk.mu.Unlock()
	// The former leader thinks that somebody else leads: the replica's node, to
	// a server of another name, is another node.
	other := g.serve(g.admit(jobs.Coordinator, "coordinators"), &fakeDesk{}, g.listen())
	forward := metadata.AppendToOutgoingContext(ctx(t), forwardedFor, caller{Peer: identity.Peer{Role: jobs.Worker}, key: g.issue(jobs.Worker).Key.Public()}.encode())
	client := anthillv1.NewWorkServiceClient(g.dial(g.admit(jobs.Coordinator, "coordinators"), other))
	_, err := client.Heartbeat(forward, &anthillv1.HeartbeatRequest{})
	expect(t, "a call that was forwarded already", err, codes.Unavailable, "NO_LEADER")

	garbled := metadata.AppendToOutgoingContext(ctx(t), forwardedFor, "garbled")
	_, err = anthillv1.NewCoordinatorServiceClient(g.dial(g.admit(jobs.Coordinator, "coordinators"), other)).ReadIndex(garbled, &anthillv1.ReadIndexRequest{})
	expect(t, "a forwarded call for nobody", err, codes.Unauthenticated, "BAD_FORWARD")
}

func TestCallerEncoding(t *testing.T) {
	key, err := identity.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	c := caller{Peer: identity.Peer{Node: key.Node(), Role: jobs.Submitter}, key: key.Public(), host: "192.0.2.1"}
	got, ok := decodeCaller(c.encode())
	if !ok || got.Node != c.Node || got.Role != c.Role || got.host != c.host || !got.forwarded || !got.key.Equal(c.key) {
		t.Errorf("got %+v, %v", got, ok)
	}
	for _, s := range []string{"", "x", c.encode()[:20], c.encode() + "x"} {
		if _, ok := decodeCaller(s); ok {
			t.Errorf("%q was decoded", s)
		}
	}
}

func TestEnrolment(t *testing.T) {
	t.Parallel()
	g := start(t)
	before, _ := g.ReadIndex()
	key, err := identity.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	unknown, err := identity.NewToken(g.authority.Fingerprint(), jobs.Worker, []string{g.follower})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := enrol.Enrol(ctx(t), enrol.Config{Token: unknown, Key: key, Role: jobs.Worker}); err == nil {
		t.Errorf("a token of nobody's admitted %v", got)
	}
	if after, _ := g.ReadIndex(); after != before {
		t.Errorf("a stranger wrote %d log entries", after-before)
	}
	tokens := anthillv1.NewEnrolmentServiceClient(g.dial(g.admit(jobs.Operator, "operators"), g.follower))
	req := &anthillv1.CreateTokenRequest{Role: anthillv1.Role_ROLE_WORKER, RequestId: "r1", Owner: "ann"}
	made, err := tokens.CreateToken(ctx(t), req)
	if err != nil {
		t.Fatal(err)
	}
	again, err := tokens.CreateToken(ctx(t), req)
	if err != nil || again.GetToken() != made.GetToken() {
		t.Errorf("the request repeated gave another token, or %v", err)
	}
	token, err := identity.ParseToken(made.GetToken())
	if err != nil {
		t.Fatal(err)
	}
	got, err := enrol.Enrol(ctx(t), enrol.Config{Token: token, Key: key, Role: jobs.Worker, Address: "10.0.0.1:1"})
	if err != nil || got.Directory.Owner != "ann" || got.Directory.Authorities != nil {
		t.Fatalf("got %+v, %v", got, err)
	}
	before, _ = g.ReadIndex()
	if key, err = identity.NewKey(); err != nil {
		t.Fatal(err)
	}
	if _, err := enrol.Enrol(ctx(t), enrol.Config{Token: token, Key: key, Role: jobs.Worker}); err == nil || !strings.Contains(err.Error(), "used up") {
		t.Errorf("a token that is used up: %v", err)
	}
	if after, _ := g.ReadIndex(); after != before {
		t.Errorf("a stranger with an old token wrote %d log entries", after-before)
	}
	if _, err := tokens.CreateToken(ctx(t), &anthillv1.CreateTokenRequest{RequestId: string(make([]byte, maxRequestID+1))}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("a request id without bounds: %v", err)
	}
}

func TestBannedNodesAreRefused(t *testing.T) {
	t.Parallel()
	g := start(t)
	worker := g.admit(jobs.Worker, "liar")
	g.View(func(s *jobs.State) { s.Owners["liar"].Banned = "it lied" }) // nobody else looks at the state yet
	_, err := anthillv1.NewWorkServiceClient(g.dial(worker, g.leader)).Offer(ctx(t), &anthillv1.OfferRequest{})
	expect(t, "a banned worker", err, codes.PermissionDenied, "OWNER_BANNED")
}

func TestOnlyTheOwnerCancels(t *testing.T) {
	t.Parallel()
	g := start(t)
	mine := anthillv1.NewJobServiceClient(g.dial(g.admit(jobs.Submitter, "ann"), g.follower))
	bobs := anthillv1.NewJobServiceClient(g.dial(g.admit(jobs.Submitter, "bob"), g.leader))
	made, err := mine.SubmitJob(ctx(t), &anthillv1.SubmitJobRequest{Spec: rangeSpec()})
	if err != nil {
		t.Fatal(err)
	}
	before, _ := g.ReadIndex()
	_, err = bobs.CancelJob(ctx(t), &anthillv1.CancelJobRequest{JobId: made.GetJob().GetId()})
	expect(t, "another's job", err, codes.NotFound, "UNKNOWN_JOB")
	_, err = bobs.CancelJob(ctx(t), &anthillv1.CancelJobRequest{JobId: strings.Repeat("x", 100_000)})
	expect(t, "a job of no grid", err, codes.NotFound, "UNKNOWN_JOB")
	if after, _ := g.ReadIndex(); after != before {
		t.Errorf("that made %d log entries", after-before)
	}
	if _, err := mine.CancelJob(ctx(t), &anthillv1.CancelJobRequest{JobId: made.GetJob().GetId()}); err != nil {
		t.Error(err)
	}
}

func TestResultsAreForTheOwner(t *testing.T) {
	t.Parallel()
	g := start(t)
	ann, bob := g.admit(jobs.Submitter, "ann"), g.admit(jobs.Submitter, "bob")
	worker := g.admit(jobs.Worker, "w").Node()
	mine := anthillv1.NewJobServiceClient(g.dial(ann, g.follower))
	req := &anthillv1.SubmitJobRequest{Spec: rangeSpec(), RequestId: "r"}
	made, err := mine.SubmitJob(ctx(t), req)
	if err != nil {
		t.Fatal(err)
	}
	id := made.GetJob().GetId()
	if again, err := mine.SubmitJob(ctx(t), req); err != nil || again.GetJob().GetId() != id {
		t.Errorf("the request repeated made another job, or %v", err)
	}
	for place := range jobs.Place(3) {
		g.accept(jobs.JobID(id), place, worker, []byte{byte(place)})
	}
	g.do(jobs.Command{Cancel: &jobs.CancelJob{Job: jobs.JobID(id), By: "op"}})
	stream, err := mine.StreamResults(ctx(t), &anthillv1.StreamResultsRequest{JobId: id, FromSequence: 1})
	if err != nil {
		t.Fatal(err)
	}
	for place := jobs.Place(1); place < 3; place++ {
		want := g.taskAt(jobs.JobID(id), place)
		if r, err := stream.Recv(); err != nil || r.GetTask() != want || string(r.GetData()) != string([]byte{byte(place)}) {
			t.Errorf("result %d: %v, %v; want task %d", place, r, err, want)
		}
	}
	if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("after the last result: %v, want the end", err)
	}
	theirs := anthillv1.NewJobServiceClient(g.dial(bob, g.leader))
	stream, err = theirs.StreamResults(ctx(t), &anthillv1.StreamResultsRequest{JobId: id})
	if err == nil {
		_, err = stream.Recv()
	}
	expect(t, "another owner's results", err, codes.NotFound, "UNKNOWN_JOB")
	_, err = theirs.GetTask(ctx(t), &anthillv1.GetTaskRequest{JobId: id})
	expect(t, "another owner's task", err, codes.NotFound, "UNKNOWN_JOB")
	_, err = theirs.CancelJob(ctx(t), &anthillv1.CancelJobRequest{JobId: id})
	expect(t, "cancel another owner's job", err, codes.NotFound, "UNKNOWN_JOB")
	_, err = theirs.GetJob(ctx(t), &anthillv1.GetJobRequest{JobId: "nope"})
	expect(t, "a job that is not there", err, codes.NotFound, "UNKNOWN_JOB")
	_, err = theirs.SubmitJob(ctx(t), &anthillv1.SubmitJobRequest{Spec: rangeSpec(), Provider: "not an address"})
	expect(t, "a provider that is no address", err, codes.InvalidArgument, "INVALID_FIELD")
}

func TestAFullDiskTakesNoJobs(t *testing.T) {
	t.Parallel()
	g := start(t)
	client := anthillv1.NewJobServiceClient(g.dial(g.admit(jobs.Submitter, "ann"), g.follower))
	g.results.full = fmt.Errorf("%w: disk x has 1.0 GiB free", blobstore.ErrFull)
	_, err := client.SubmitJob(ctx(t), &anthillv1.SubmitJobRequest{Spec: rangeSpec()})
	expect(t, "a job on a full disk", err, codes.ResourceExhausted, "DISK_FULL")
	if list, err := client.ListJobs(ctx(t), &anthillv1.ListJobsRequest{}); err != nil || len(list.GetJobs()) != 0 {
		t.Errorf("%d jobs, %v", len(list.GetJobs()), err)
	}
}

func TestWhyWorkIsGivenBackIsLogged(t *testing.T) {
	var log bytes.Buffer
	s := &Server{cfg: Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}}
	lost := jobs.Report{Worker: "w1", Status: jobs.Lost, Reason: "store is full"}
	s.noteLost([]jobs.Report{{Worker: "w1", Status: jobs.Succeeded}, lost, lost})
	if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, `worker=w1 attempts=2 reason="store is full"`) {
		t.Errorf("logged %q", got)
	}
}

func TestWorkCalls(t *testing.T) {
	t.Parallel()
	g := start(t)
	worker := g.admit(jobs.Worker, "w")
	spec, err := wire.SpecFromProto(rangeSpec())
	if err != nil {
		t.Fatal(err)
	}
	spec.Input.Range.To = 100
	g.do(jobs.Command{Submit: &jobs.SubmitJob{Job: "j", Spec: spec.WithDefaults(), Submitter: "op", Seed: 7}})
	if g.taskAt("j", 0) == 0 && g.taskAt("j", 1) == 1 {
		t.Fatal("this seed shuffles nothing")
	}
	g.do(jobs.Command{Grant: &jobs.GrantLeases{Expires: 1 << 50, Grants: []jobs.Grant{{Lease: 8, Job: "j", Worker: worker.Node()}, {Lease: 9, Job: "j", Place: 1, Worker: worker.Node()}}}})
	for i, id := range []jobs.LeaseID{8, 9} {
		g.desk.leases = append(g.desk.leases, desk.Lease{
			ID: id, Job: "j", Task: jobs.Index(g.taskAt("j", jobs.Place(i))), Spec: spec, Providers: []swarm.Provider{{Address: "p:1", Role: jobs.Worker}},
		})
	}
	work := anthillv1.NewWorkServiceClient(g.dial(worker, g.leader))
	resp, err := work.Offer(ctx(t), &anthillv1.OfferRequest{Capacity: 1 << 30})
	if err != nil || len(resp.GetLeases()) != 2 || g.desk.capacity != maxCapacity {
		t.Fatalf("got %v, %v for a capacity of %d", resp, err, g.desk.capacity)
	}
	for i, lease := range resp.GetLeases() {
		if lease.GetId() != uint64(8+i) || lease.GetTask() != g.taskAt("j", jobs.Place(i)) || lease.GetJobId() != "j" || lease.GetSpec().GetName() != "count" || len(lease.GetProviders()) != 1 {
			t.Errorf("lease %v", lease)
		}
	}
	ref := blob.Of([]byte("out")).Ref()
	report := &anthillv1.AttemptReport{Lease: 8, Status: anthillv1.AttemptStatus_ATTEMPT_STATUS_SUCCEEDED, Output: wire.RefToProto(ref), Data: []byte("out")}
	if _, err := work.Report(ctx(t), &anthillv1.ReportRequest{Reports: []*anthillv1.AttemptReport{report}}); err != nil {
		t.Fatal(err)
	}
	if data, _ := g.results.Result(ref); len(g.desk.reports) != 1 || g.desk.reports[0].Worker != worker.Node() || string(data) != "out" {
		t.Errorf("the desk got %+v and %q", g.desk.reports, data)
	}
	for name, data := range map[string]string{"data that is not the output": "lie", "a digest alone": ""} {
		report.Data = []byte(data)
		_, err = work.Report(ctx(t), &anthillv1.ReportRequest{Reports: []*anthillv1.AttemptReport{report}})
		expect(t, name, err, codes.InvalidArgument, "INVALID_FIELD")
	}
	report.Output.Size = blob.MinPiece + 1 // then a coordinator fetches it
	if _, err := work.Report(ctx(t), &anthillv1.ReportRequest{Reports: []*anthillv1.AttemptReport{report}}); err != nil {
		t.Error(err)
	}
	g.desk.reports = nil
	late := &anthillv1.AttemptReport{Lease: 10, Status: anthillv1.AttemptStatus_ATTEMPT_STATUS_SUCCEEDED, Output: wire.RefToProto(blob.Of([]byte("late")).Ref()), Data: []byte("late")}
	another := anthillv1.NewWorkServiceClient(g.dial(g.admit(jobs.Worker, "another"), g.leader))
	for lease, by := range map[uint64]anthillv1.WorkServiceClient{10: work, 9: another} { // void, and not its own
		late.Lease = lease
		if _, err := by.Report(ctx(t), &anthillv1.ReportRequest{Reports: []*anthillv1.AttemptReport{late}}); err != nil {
			t.Error(err)
		}
		if _, stored := g.results.Result(blob.Of([]byte("late")).Ref()); stored || g.desk.reports != nil {
			t.Errorf("lease %d: stored %v, the desk got %+v", lease, stored, g.desk.reports)
		}
	}
	_, err = work.Heartbeat(ctx(t), &anthillv1.HeartbeatRequest{Leases: make([]uint64, maxLeases+1)})
	expect(t, "too many leases", err, codes.InvalidArgument, "INVALID_FIELD")
	_, err = work.Report(ctx(t), &anthillv1.ReportRequest{Reports: make([]*anthillv1.AttemptReport, jobs.MaxReports+1)})
	expect(t, "too many reports", err, codes.InvalidArgument, "INVALID_FIELD")
	_, err = work.Heartbeat(ctx(t), &anthillv1.HeartbeatRequest{Blobs: [][]byte{{1}}})
	expect(t, "a blob id of one byte", err, codes.InvalidArgument, "INVALID_FIELD")
}

func TestTokensWithAPrior(t *testing.T) {
	t.Parallel()
	g := start(t)
	tokens := anthillv1.NewEnrolmentServiceClient(g.dial(g.admit(jobs.Operator, "operators"), g.follower))
	create := func(role anthillv1.Role, prior float64) (string, error) {
		resp, err := tokens.CreateToken(ctx(t), &anthillv1.CreateTokenRequest{Role: role, Prior: prior})
		return resp.GetToken(), err
	}
	made, err := create(anthillv1.Role_ROLE_WORKER, 0.01)
	if err != nil {
		t.Fatal(err)
	}
	token, err := identity.ParseToken(made)
	if err != nil {
		t.Fatal(err)
	}
	g.View(func(s *jobs.State) {
		if got := s.Tokens[tokenID(token.Secret[:])].Prior; got != 10_000_000 {
			t.Errorf("the token's prior is %v, want 10,000,000 ppb", got)
		}
	})
	for _, prior := range []float64{-0.01, 1, 1e-10, math.NaN()} {
		_, err := create(anthillv1.Role_ROLE_WORKER, prior)
		expect(t, fmt.Sprintf("a prior of %v", prior), err, codes.InvalidArgument, "INVALID_FIELD")
	}
	_, err = create(anthillv1.Role_ROLE_SUBMITTER, 0.01)
	expect(t, "a prior of a submitter", err, codes.InvalidArgument, "INVALID_FIELD")
	if _, subject, _ := details(err); subject != "prior" {
		t.Errorf("the field is %q", subject)
	}
}

func TestNodesShowTheirRecord(t *testing.T) {
	t.Parallel()
	g := start(t)
	worker := g.admit(jobs.Worker, "w")
	var credibility float64
	g.View(func(s *jobs.State) { // nobody else looks at the state yet
		s.Nodes[worker.Node()].Reliability = 900_000_000
		*s.Owners["w"] = jobs.Owner{Agreed: 7, Outvoted: 1, Checks: 5, Doubts: 2, Credit: 6, Fuel: jobs.FuelSum{Low: 1 << 40}}
		credibility = wire.ShareToProto(s.Credibility("w"))
	})
	nodes := anthillv1.NewNodeServiceClient(g.dial(g.admit(jobs.Submitter, "s"), g.leader))
	resp, err := nodes.ListNodes(ctx(t), &anthillv1.ListNodesRequest{})
	if err != nil {
		t.Fatal(err)
	}
	want := &anthillv1.OwnerRecord{Agreed: 7, Outvoted: 1, Checks: 5, Doubts: 2, Credit: 6, Fuel: 1 << 40, Credibility: credibility}
	i := slices.IndexFunc(resp.GetNodes(), func(n *anthillv1.Node) bool { return n.GetId() == string(worker.Node()) })
	if n := resp.GetNodes()[i]; n.GetReliability() != 0.9 || !proto.Equal(n.GetRecord(), want) || credibility == 0 {
		t.Errorf("got %v", n)
	}
}
