package reach

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/jobs"
)

const (
	// meetTime is how long one node waits at a relay for the other.
	meetTime = 10 * time.Second
	// maxMeetings bounds the connections at a relay, and ownerMeetings those of the
	// nodes of one owner.
	maxMeetings   = 1024
	ownerMeetings = 64
	// relayChunk is how much a pair carries before others have their turn.
	relayChunk = 16 << 10
	// relayBuffer bounds what waits in the kernel: a pair that is slow must not keep
	// megabytes here, and not seconds of its own words.
	relayBuffer = 128 << 10
)

// met is what a relay says when both are there.
const met = 1

// RelayConfig is what a Relay needs.
type RelayConfig struct {
	// Rate is in bytes a second, of all pairs together. 0: nobody is served.
	Rate int64
	// Owner names whom a node's traffic is counted for; nil: the node itself.
	Owner func(jobs.NodeID) string
}

// Relay joins connections of nodes that cannot reach each other. It sees ciphertext. It
// is safe for use by many goroutines.
type Relay struct {
	owner func(jobs.NodeID) string
	line  *rate.Limiter // nil: nobody is served
	ended chan struct{} // closed by Close

	mu       sync.Mutex
	closed   bool
	waiting  map[meeting]*guest
	present  map[*guest]bool
	owners   map[string]int // connections
	carried  map[string]int64
	everyone sync.WaitGroup
}

// meeting is what two nodes have agreed on.
type meeting struct {
	nonce nonce
	a, b  jobs.NodeID // in order
}

// guest is one connection at a relay.
type guest struct {
	*tls.Conn
	owner string
	other chan *guest // gets the one who comes second
}

// NewRelay makes a Relay, to be closed after use.
func NewRelay(cfg RelayConfig) *Relay {
	r := &Relay{owner: cfg.Owner, ended: make(chan struct{}), waiting: map[meeting]*guest{}, present: map[*guest]bool{}, owners: map[string]int{}, carried: map[string]int64{}}
	if r.owner == nil {
		r.owner = func(id jobs.NodeID) string { return string(id) }
	}
	if cfg.Rate > 0 {
		r.line = rate.NewLimiter(rate.Limit(cfg.Rate), int(max(relayChunk, cfg.Rate/10)))
	}
	return r
}

// Take takes a connection of a node of the grid. It returns at once.
func (r *Relay) Take(conn *tls.Conn, peer identity.Peer) {
	if tcp, ok := bare(conn.NetConn()).(*net.TCPConn); ok {
		_ = errors.Join(tcp.SetReadBuffer(relayBuffer), tcp.SetWriteBuffer(relayBuffer)) // it works without, if worse
	}
	g := &guest{Conn: conn, owner: r.owner(peer.Node), other: make(chan *guest, 1)}
	if !r.enter(g) {
		closeConn(conn)
		return
	}
	go func() {
		defer r.leave(g)
		r.host(g, peer.Node)
	}()
}

// bare is a connection without what was put around it.
func bare(c net.Conn) net.Conn {
	for {
		around, ok := c.(interface{ Unwrap() net.Conn })
		if !ok {
			return c
		}
		c = around.Unwrap()
	}
}

func (r *Relay) enter(g *guest) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || r.line == nil || len(r.present) >= maxMeetings || r.owners[g.owner] >= ownerMeetings {
		return false
	}
	r.present[g] = true
	r.owners[g.owner]++
	r.everyone.Add(1)
	return true
}

func (r *Relay) leave(g *guest) {
	closeConn(g)
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.present, g)
	if r.owners[g.owner]--; r.owners[g.owner] == 0 {
		delete(r.owners, g.owner)
	}
	r.everyone.Done()
}

// host waits with a guest for the other and, for the one who came first, carries what
// they say.
func (r *Relay) host(g *guest, node jobs.NodeID) {
	m, err := readMeeting(g, node)
	if err != nil {
		return
	}
	if first := r.meet(m, g); first != nil {
		first.other <- g
		<-g.other // until all is said
		return
	}
	timer := time.NewTimer(meetTime)
	defer timer.Stop()
	select {
	case second := <-g.other:
		r.join(g, second)
		second.other <- g
		return
	case <-timer.C:
	case <-r.ended:
	}
	if second := r.part(m, g); second != nil {
		second.other <- g
	}
}

// meet is who waits already, or nil: then g is who waits.
func (r *Relay) meet(m meeting, g *guest) *guest {
	r.mu.Lock()
	defer r.mu.Unlock()
	first := r.waiting[m]
	if first != nil {
		delete(r.waiting, m)
		return first
	}
	r.waiting[m] = g
	return nil
}

// part ends the waiting of a guest, unless another has just come.
func (r *Relay) part(m meeting, g *guest) (second *guest) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.waiting[m] == g {
		delete(r.waiting, m)
		return nil
	}
	return <-g.other
}

// readMeeting reads whom a node wants to meet: a nonce, and the other's id.
func readMeeting(g *guest, node jobs.NodeID) (meeting, error) {
	var head [nonceSize + 1]byte
	if err := g.SetDeadline(time.Now().Add(greeting)); err != nil {
		return meeting{}, err
	}
	if _, err := io.ReadFull(g, head[:]); err != nil {
		return meeting{}, err
	}
	name := make([]byte, head[nonceSize])
	if _, err := io.ReadFull(g, name); err != nil {
		return meeting{}, err
	}
	n, _ := nonceOf(head[:nonceSize])
	return meetingOf(n, node, jobs.NodeID(name)), g.SetDeadline(time.Time{})
}

func meetingOf(n nonce, a, b jobs.NodeID) meeting { return meeting{n, min(a, b), max(a, b)} }

// join carries what two nodes say to each other until one of them ends it.
func (r *Relay) join(a, b *guest) {
	var turn sync.Mutex // a pair has one place in the queue for the line
	var both sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for _, g := range []*guest{a, b} {
		if _, err := g.Write([]byte{met}); err != nil {
			return
		}
	}
	for _, way := range [][2]*guest{{a, b}, {b, a}} {
		both.Go(func() {
			r.carry(ctx, &turn, way[0], way[1])
			cancel()
			closeConn(a)
			closeConn(b)
		})
	}
	both.Wait()
}

func (r *Relay) carry(ctx context.Context, turn *sync.Mutex, from, to *guest) {
	buffer := make([]byte, relayChunk)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			turn.Lock()
			wait := r.line.WaitN(ctx, n)
			turn.Unlock()
			if wait != nil {
				return
			}
			r.count(from, to, n)
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (r *Relay) count(from, to *guest, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.carried[from.owner] += int64(n)
	if to.owner != from.owner {
		r.carried[to.owner] += int64(n)
	}
}

// Carried is how many bytes went through, by the owners of the nodes that they went
// between.
func (r *Relay) Carried() map[string]int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make(map[string]int64, len(r.carried))
	for owner, n := range r.carried {
		list[owner] = n
	}
	return list
}

// Close ends all that is joined, and all waiting.
func (r *Relay) Close() error {
	r.mu.Lock()
	if !r.closed {
		r.closed = true
		close(r.ended)
	}
	for g := range r.present {
		closeConn(g)
	}
	r.mu.Unlock()
	r.everyone.Wait()
	return nil
}

// meetAny meets another node at the first of these relays that both reach.
func (r *Room) meetAny(ctx context.Context, relays []string, node jobs.NodeID, n nonce) (net.Conn, error) {
	var ways []way
	for i, relay := range relays {
		ways = append(ways, way{path: Relayed, after: time.Duration(i) * relayStart, try: func(ctx context.Context) (net.Conn, error) {
			return r.meetAt(ctx, relay, node, n)
		}})
	}
	conn, done := overtake(ctx, ways, closeConn)
	if conn == nil {
		return nil, unreached(done)
	}
	return conn, nil
}

// relays is through which one this node is reached. It names the same for a while: there
// are several, and each connection goes by one of them.
type relays struct {
	mu   sync.Mutex
	name string // HOST:PORT
	at   time.Time
}

// used notes that a relay was, and tells whether that is news.
func (r *relays) used(name string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	news := r.name != name && now.Sub(r.at) > standingEvery
	if news || r.name == name {
		r.name, r.at = name, now
	}
	return news
}

// latest is the one that was used.
func (r *relays) latest() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.name
}

// meetAt meets another node at a relay.
func (r *Room) meetAt(ctx context.Context, relay string, node jobs.NodeID, n nonce) (net.Conn, error) {
	raw, err := r.cfg.Dial(ctx, relay)
	if err != nil {
		return nil, err
	}
	conn := tls.Client(raw, r.cfg.Identity.ClientTLS(nil, identity.ProtoRelay))
	stop := context.AfterFunc(ctx, func() { closeConn(raw) })
	err = conn.HandshakeContext(ctx)
	if err == nil && conn.ConnectionState().NegotiatedProtocol != identity.ProtoRelay {
		err = errors.New("it is no relay: it is too old, or does not offer to be one")
	}
	if err == nil {
		_, err = conn.Write(append(append(n[:], byte(len(node))), node...))
	}
	var word [1]byte
	if err == nil {
		_, err = io.ReadFull(conn, word[:])
	}
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	if r.relays.used(relay, time.Now()) {
		r.lookIn(0) // with the word of it
	}
	return r.plain(conn, Relayed), nil
}
