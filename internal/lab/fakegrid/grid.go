// Package fakegrid serves the grid's API from memory, over real TLS and gRPC on
// loopback, for tests of clients. Its coordinators share one state; a test says
// what happens to the jobs, and kills and restarts coordinators.
package fakegrid

import (
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// Grid is what the coordinators share.
type Grid struct {
	Authority *identity.Authority
	// Copies is how many of two coordinators hold the input of a new job.
	Copies uint32
	// ClockAhead is how far the grid's time is ahead of this machine's clock.
	ClockAhead time.Duration
	// Drop, where set, takes from new jobs what an older coordinator does not know.
	Drop func(*anthillv1.JobSpec)

	mu           sync.Mutex
	changed      chan struct{} // closed and replaced at each change
	jobs         []*Job
	nodes        []*anthillv1.Node
	tokens       map[[32]byte]jobs.Role
	requests     map[string]*Job
	submissions  []*anthillv1.SubmitJobRequest
	wishes       []*anthillv1.CreateTokenRequest
	failures     []error
	calls        int
	store        *blobstore.Store
	coordinators []*coordinator
}

type coordinator struct {
	identity *identity.Identity
	address  string
	server   *grpc.Server // nil while it is dead
}

// Job is a job in the fake grid.
type Job struct {
	Proto   *anthillv1.Job
	results []*anthillv1.StreamResultsResponse
	// failures are sent after the results, and provider is the submitter.
	failures []*anthillv1.StreamResultsResponse
	provider string
	tasks    map[uint32]*anthillv1.GetTaskResponse
	watched  []*anthillv1.WatchTasksResponse
	swarm    *anthillv1.GetSwarmResponse
	events   []*anthillv1.Event
}

// Start runs a grid with n coordinators until the test ends.
func Start(t testing.TB, n int) *Grid {
	t.Helper()
	authority, err := identity.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	store, err := blobstore.Open(blobstore.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	g := &Grid{
		Authority: authority, Copies: 2, changed: make(chan struct{}), store: store,
		tokens: map[[32]byte]jobs.Role{}, requests: map[string]*Job{},
	}
	t.Cleanup(func() {
		for i := range n {
			g.Kill(i)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	for i := range n {
		g.coordinators = append(g.coordinators, &coordinator{identity: g.issue(t, jobs.Coordinator), address: "127.0.0.1:0"})
		g.Restart(t, i)
	}
	return g
}

func (g *Grid) issue(t testing.TB, role jobs.Role) *identity.Identity {
	t.Helper()
	key, err := identity.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	der, err := g.Authority.Issue(key.Public(), role, nil)
	if err != nil {
		t.Fatal(err)
	}
	id, err := identity.New(key, der, g.Authority.Certificate())
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// Kill stops a coordinator as SIGKILL would: its connections break.
func (g *Grid) Kill(i int) {
	if c := g.coordinators[i]; c.server != nil {
		c.server.Stop()
		c.server = nil
	}
}

// Restart runs a coordinator at the address that it had.
func (g *Grid) Restart(t testing.TB, i int) {
	t.Helper()
	c := g.coordinators[i]
	listener := listen(t, c.address)
	c.address = listener.Addr().String()
	c.server = grpc.NewServer(grpc.Creds(identity.ServerCredentials(c.identity, identity.Handover{})))
	anthillv1.RegisterJobServiceServer(c.server, &jobService{grid: g})
	anthillv1.RegisterNodeServiceServer(c.server, &nodeService{grid: g})
	anthillv1.RegisterEnrolmentServiceServer(c.server, &enrolmentService{grid: g})
	anthillv1.RegisterPieceServiceServer(c.server, swarm.NewServer(swarm.ServerConfig{Store: g.store, Allow: anybody}))
	go c.server.Serve(listener) //nolint:errcheck // ends with Kill
}

// listen tries for a while: a client that dials a dead coordinator may hold this
// very port as its own end.
func listen(t testing.TB, address string) net.Listener {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		listener, err := net.Listen("tcp", address)
		if err == nil {
			return listener
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// Addresses are the coordinators'.
func (g *Grid) Addresses() []string {
	var addresses []string
	for _, c := range g.coordinators {
		addresses = append(addresses, c.address)
	}
	return addresses
}

// Coordinator is the identity of one.
func (g *Grid) Coordinator(i int) *identity.Identity { return g.coordinators[i].identity }

// Client makes an identity directory for a client of the grid.
func (g *Grid) Client(t testing.TB, role jobs.Role) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "client")
	dir := &identity.Directory{Identity: g.issue(t, role), Owner: "tester", Coordinators: g.Addresses()}
	if err := dir.Save(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// Token makes a join token that may be used any number of times.
func (g *Grid) Token(t testing.TB, role jobs.Role) identity.Token {
	t.Helper()
	token, err := identity.NewToken(g.Authority.Fingerprint(), role, g.Addresses())
	if err != nil {
		t.Fatal(err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.tokens[token.Hash()] = role
	return token
}

// change runs f on the state and wakes all streams.
func (g *Grid) change(f func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f()
	close(g.changed)
	g.changed = make(chan struct{})
}

// job finds a job; the caller holds the lock.
func (g *Grid) job(id string) *Job {
	for _, job := range g.jobs {
		if job.Proto.GetId() == id {
			return job
		}
	}
	return nil
}
