// Package swarm moves blobs between peers: a Server hands out the pieces that a
// node holds, and a Swarm fetches the pieces that it lacks from several peers at
// once. No peer is trusted: a piece is hashed before it is stored, and a peer that
// sends a wrong one is refused from then on.
//
// Every blob that is being fetched has one goroutine (download.go) that owns
// what is known about it; a link to each peer (link.go) runs beside it and sends
// it events. Which piece to ask of which peer is decided by pure functions (policy.go).
// What is sent to which peer is decided for all blobs together (uploads.go), by rules
// that know of no network (seeding.go, budget.go).
package swarm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/internal/wire"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

var (
	// ErrUnavailable: no provider could be found that sends what is missing.
	ErrUnavailable = errors.New("no provider has it")
	// ErrClosed: the swarm was closed.
	ErrClosed = errors.New("swarm is closed")
)

// Provider is a peer that may have pieces of a blob.
type Provider struct {
	Address string // HOST:PORT of its PieceService
	Role    jobs.Role
	// Node, where set, is the only node that is asked at this address: another that
	// learns a result's id could hand it in as its own. Where nobody can dial the
	// address, it is what the node is called by.
	Node jobs.NodeID
}

// Proto is the provider on the wire.
func (p Provider) Proto() *anthillv1.Provider {
	return &anthillv1.Provider{Address: p.Address, Role: wire.RoleToProto(p.Role), NodeId: string(p.Node)}
}

// ProvidersOf reads providers off the wire, without those whose address is none:
// addresses are dialed, passed on and shown to people.
func ProvidersOf(list []*anthillv1.Provider) []Provider {
	var out []Provider
	for _, p := range list {
		if validAddress(p.GetAddress()) {
			out = append(out, Provider{Address: p.GetAddress(), Role: wire.RoleFromProto(p.GetRole()), Node: nodeOf(p.GetNodeId())})
		}
	}
	return out
}

// maxNodeID bounds the name of a node, in bytes.
const maxNodeID = 64

// nodeOf is a node's id off the wire; "" if it is none.
func nodeOf(s string) jobs.NodeID {
	if len(s) > maxNodeID || strings.ContainsFunc(s, func(r rune) bool { return (r < '0' || '9' < r) && (r < 'a' || 'f' < r) }) {
		return ""
	}
	return jobs.NodeID(s)
}

// validAddress tells whether a text may be HOST:PORT.
func validAddress(s string) bool {
	host, port, err := net.SplitHostPort(s)
	return err == nil && validHost(host) && validPort(port)
}

// validHost tells whether a text may be a host's name or address.
func validHost(s string) bool {
	strange := func(r rune) bool {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
		return !letter && !strings.ContainsRune(".:%-_", r)
	}
	return s != "" && len(s) <= 255 && !strings.ContainsFunc(s, strange)
}

// validPort tells whether a text is the number of a port.
func validPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}

// self tells whether a provider is this process: at its address, unless that is another
// node's in another network.
func (c *Config) self(p Provider) bool {
	return p.Address == c.Self && (p.Node == "" || c.Node == "" || p.Node == c.Node)
}

// Traffic counts the bytes of verified pieces by the role of the peer that sent them.
type Traffic map[jobs.Role]int64

// Add adds what other counted.
func (t Traffic) Add(other Traffic) {
	for role, n := range other {
		t[role] += n
	}
}

// Dialer gives a connection to a peer. The swarm never closes it: caching is
// the dialer's business.
type Dialer func(ctx context.Context, p Provider) (grpc.ClientConnInterface, error)

// Config is what a Swarm needs.
type Config struct {
	Store *blobstore.Store
	Dial  Dialer
	// Self is this node's address, which is never asked. Node is its id; other processes
	// may have the same.
	Self string
	Node jobs.NodeID
	// Refused is the file that keeps the peers that sent wrong bytes; empty: only
	// memory does.
	Refused string
	// Identify tells who is at the other end of a connection, so that nodes are
	// refused and their Traffic counted. Without it addresses are, and the role is
	// what the Provider says; Provider.Node counts for nothing.
	Identify func(credentials.AuthInfo) (jobs.NodeID, jobs.Role, error)
	// Find, where set, announces that a blob is being fetched, and names peers
	// that may have it. It also tells when to ask again.
	Find func(ctx context.Context, id blob.ID) (peers []Provider, again time.Duration, err error)
	// Spent, where set, is asked whether the line may carry more: nil if so. Otherwise
	// nothing is sent, as if it were not here (but see ServerConfig.Owed), and Fetch
	// fails with the error.
	Spent func() error
	// Patience is how long a Fetch goes on while nobody sends anything;
	// 0 means 5 seconds.
	Patience time.Duration
	Logger   *slog.Logger // nil means none
}

// Swarm is safe for use by many goroutines.
type Swarm struct {
	cfg      Config
	ctx      context.Context
	stop     context.CancelFunc
	refusals *refusals
	caught   chan Caught
	uploads  *uploads
	running  sync.WaitGroup
	grants   grants
	ledger   ledger
	received atomic.Int64 // bytes of pieces
	stored   atomic.Int64 // those that were missing

	mu        sync.Mutex
	closed    bool
	downloads map[blob.ID]*download
}

// New makes a Swarm, to be closed after use.
func New(cfg Config) (*Swarm, error) {
	if cfg.Store == nil || cfg.Dial == nil || cfg.Patience < 0 {
		return nil, errors.New("new swarm: need a store, a dialer and a patience >= 0")
	}
	if cfg.Patience == 0 {
		cfg.Patience = 5 * time.Second
	}
	if cfg.Spent == nil {
		cfg.Spent = func() error { return nil }
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	refused, err := openRefusals(cfg.Refused, cfg.Logger)
	if err != nil {
		return nil, fmt.Errorf("new swarm: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	return &Swarm{
		cfg:       cfg,
		ctx:       ctx,
		stop:      stop,
		refusals:  refused,
		uploads:   newUploads(cfg.Spent),
		caught:    make(chan Caught, maxCaught),
		downloads: make(map[blob.ID]*download),
	}, nil
}

// Close ends all fetches with ErrClosed and waits for their goroutines.
func (s *Swarm) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.stop()
	s.running.Wait()
	return nil
}

// Fetch brings the pieces that hold the bytes [off, off+n) of a blob into the
// store (n < 0: to the end). When it returns nil they are there; pin the blob
// before if they are to stay. Fetches of one blob share every transfer, and
// their providers. The traffic is told also with an error, which wraps
// ErrUnavailable, blobstore.ErrFull, ErrClosed, that of Config.Spent or the context's.
func (s *Swarm) Fetch(ctx context.Context, id blob.ID, off, n int64, providers []Provider) (Traffic, error) {
	s.cfg.Store.Pin(id)
	defer s.cfg.Store.Unpin(id)
	f := newFetch(off, n, providers)
	for {
		if f.satisfiedBy(s.local(id)) {
			return f.traffic, nil
		}
		d, err := s.download(id)
		if err != nil {
			return Traffic{}, fmt.Errorf("fetch blob %s: %w", id.Short(), err)
		}
		if !d.send(f) {
			continue // it had just ended
		}
		traffic, err := d.await(ctx, f)
		if err != nil {
			return traffic, fmt.Errorf("fetch blob %s: %w", id.Short(), err)
		}
		return traffic, nil
	}
}

// local is what the store has of a blob.
func (s *Swarm) local(id blob.ID) (blob.Manifest, blob.Bitmap, bool) {
	m, have, err := s.cfg.Store.Have(id)
	return m, have, err == nil
}

// download finds the running download of a blob, or starts one.
func (s *Swarm) download(id blob.ID) (*download, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	d := s.downloads[id]
	if d == nil {
		d = newDownload(s, id)
		s.downloads[id] = d
		s.running.Go(d.run)
	}
	return d, nil
}

// forget takes an ended download out, so that the next Fetch starts a new one.
func (s *Swarm) forget(d *download) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.downloads, d.id)
}

// Introduce tells the download of a blob, if there is one, of further peers.
func (s *Swarm) Introduce(id blob.ID, peers []Provider) { s.notify(id, introduced{peers, false}) }

// notify hands an event to the download of a blob, if there is one.
func (s *Swarm) notify(id blob.ID, ev event) {
	s.mu.Lock()
	d := s.downloads[id]
	s.mu.Unlock()
	if d != nil {
		d.send(ev)
	}
}

// Progress is how far a blob has come.
type Progress struct {
	Size, Have int64 // bytes; 0 while the size is not known
	Coming     int64 // bytes of pieces of which the rest is still to come
	Peers      int   // that are connected
	From       Traffic
	// Received are the bytes of pieces that came, over all blobs, and New those of
	// pieces that were missing.
	Received, New int64
	// Refused are the peers that were caught sending wrong bytes.
	Refused int
}

// Sent is how many bytes of pieces have left this node, over all blobs.
func (s *Swarm) Sent() int64 { return s.uploads.sent.Load() }

// Received is how many bytes of pieces have come here.
func (s *Swarm) Received() int64 { return s.received.Load() }

// Clients is how many peers are connected to get a blob from here.
func (s *Swarm) Clients(id blob.ID) int { return s.uploads.clients(id) }

// Progress tells how far a blob has come, and from where.
func (s *Swarm) Progress(id blob.ID) Progress {
	p := Progress{From: make(Traffic)}
	s.mu.Lock()
	d := s.downloads[id]
	s.mu.Unlock()
	if d != nil {
		answer := make(chan Progress, 1)
		if d.send(progressQuery{answer}) {
			p = <-answer
		}
	}
	p.Refused = s.refusals.count()
	p.Received, p.New = s.received.Load(), s.stored.Load()
	if m, have, known := s.local(id); known {
		p.Size = m.Size
		for i := range m.Pieces {
			if have.Has(i) {
				p.Have += m.PieceLen(i)
			}
		}
	}
	return p
}
