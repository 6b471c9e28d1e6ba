package reach

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

const (
	// relayStart is the head start of better paths before a relay.
	relayStart = 700 * time.Millisecond
	// answerTime is how long a node that was called tries to come.
	answerTime = 10 * time.Second
	// maxAnswers is how many calls a node answers at a time.
	maxAnswers = 32
	// maxRelays is at how many relays nodes look for each other.
	maxRelays = 3
)

// Session is what a room needs of its node's.
type Session struct {
	// Signal has another node told something.
	Signal func(ctx context.Context, to jobs.NodeID, payload []byte) error
	// Coordinators are where those are that this node knows of, HOST:PORT.
	Coordinators func() []string
	// Host is from where the session comes, as a coordinator sees it; "" if that is not
	// known.
	Host func() string
	// LookBack has a coordinator dial this node; nil: nobody is asked to.
	LookBack func(context.Context, LookBack) ([]Look, error)
}

// Signal is what another node has this one told.
type Signal struct {
	From     jobs.NodeID // as a coordinator has authenticated it
	FromHost string      // from which its session comes; "" for coordinators
	// FromDialable are IP:PORTs that led to it when a coordinator dialled them.
	FromDialable []string
	Payload      []byte
}

// Target is a node, and where it is said to be.
type Target struct {
	Node    jobs.NodeID // empty: whoever is there
	Address string      // HOST:PORT
}

// Config is what a Room needs.
type Config struct {
	Identity *identity.Identity
	// Address is the HOST:PORT at which this node listens.
	Address string
	// Advertised are HOST:PORTs besides at which others may reach this node.
	Advertised []string
	// Dial connects by TCP; default Dial.
	Dial func(ctx context.Context, address string) (net.Conn, error)
	// Carry puts a connection that was not made by Dial on the node's line; nil: as it is.
	Carry func(net.Conn) net.Conn
	// UDP is HOST:PORT of the UDP port to open; empty: none.
	UDP string
	// Map asks this node's router to pass on to IP:PORT, where the node listens; nil: no
	// router is asked.
	Map Mapper
	// Listens is where that is.
	Listens netip.AddrPort
	// Tell has it answer those who ask from where their packets come.
	Tell   bool
	Logger *slog.Logger // nil means none
}

// Room is where a node's paths to others begin and end. It is safe for use by many
// goroutines.
type Room struct {
	cfg     Config
	calls   calls
	memory  memory
	comers  chan net.Conn
	answers chan struct{} // has room for as many as are answered at a time
	session atomic.Pointer[Session]
	joined  chan struct{} // has something when there is a session
	port    *port         // nil: there is none
	outside outside
	found   atomic.Pointer[found]     // nil: no coordinator has looked yet
	looked  chan struct{}             // has something when one has
	look    atomic.Pointer[time.Time] // when one is to be asked to look, besides
	mapped  mapped
	knocks  knocks
	visits  visits
	relays  relays
	traffic [paths]counter
	better  better
	ctx     context.Context
	stop    context.CancelFunc
	running sync.WaitGroup
}

// New makes a Room, to be closed after use.
func New(cfg Config) *Room {
	if cfg.Dial == nil {
		cfg.Dial = Dial
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Carry == nil {
		cfg.Carry = func(c net.Conn) net.Conn { return c }
	}
	r := &Room{cfg: cfg, comers: make(chan net.Conn), answers: make(chan struct{}, maxAnswers), joined: make(chan struct{}, 1), looked: make(chan struct{}, 1)}
	r.ctx, r.stop = context.WithCancel(context.Background())
	r.running.Go(r.keepStanding)
	if cfg.Map != nil {
		r.running.Go(func() { r.keepMapped(cfg.Listens) })
	}
	if cfg.UDP == "" {
		return r
	}
	p, err := r.openPort(cfg.UDP)
	if err != nil {
		cfg.Logger.Warn("no UDP port could be opened: other nodes may be reached through relays alone", "error", err)
		return r
	}
	r.port = p
	r.running.Go(func() { r.keepSeen(p) })
	return r
}

// Join lets the room use a node's session: to call others, and to meet at relays. Before,
// nobody is reached but by dialling.
func (r *Room) Join(s Session) {
	r.session.Store(&s)
	select {
	case r.joined <- struct{}{}:
	default:
	}
}

// Close ends what is under way.
func (r *Room) Close() error {
	r.stop()
	r.running.Wait()
	if r.port == nil {
		return nil
	}
	return r.port.close()
}

// Dial connects to a node by the first path that leads there. What it gives is either to
// be handshaken by its user, or an identity.TLSConn.
func (r *Room) Dial(ctx context.Context, t Target) (net.Conn, error) {
	s := r.session.Load()
	if s == nil || t.Node == "" || t.Node == r.cfg.Identity.Node() {
		return r.dial(ctx, t.Address)
	}
	if conn := r.better.take(t); conn != nil {
		return conn, nil
	}
	c := r.calls.begin(t.Node)
	defer r.calls.end(c)
	began := time.Now()
	ways := r.ways(t, c, s)
	conn, done := overtake(ctx, ways, closeConn)
	r.memory.learn(t.Node, ways, done, began, time.Now())
	if conn == nil {
		err := unreached(done)
		r.cfg.Logger.Debug("failed to reach a node", "node", t.Node.Short(), "address", t.Address, "after", time.Since(began), "error", err)
		return nil, err
	}
	r.cfg.Logger.Debug("reached a node", "node", t.Node.Short(), "address", t.Address, "path", PathOf(conn.RemoteAddr()), "after", time.Since(began))
	if PathOf(conn.RemoteAddr()) == Relayed {
		conn = r.whileRelayed(conn, t)
	}
	return conn, nil
}

// dial connects by TCP, and counts what goes there.
func (r *Room) dial(ctx context.Context, address string) (net.Conn, error) {
	conn, err := r.cfg.Dial(ctx, address)
	if err != nil {
		return nil, err
	}
	return r.count(conn, Direct), nil
}

// ways are those to a node, in the order in which they are tried.
func (r *Room) ways(t Target, c *call, s *Session) []way {
	relays := s.someRelays()
	return r.memory.plan(t.Node, time.Now(), r.waysPast(t, c, s, relays))
}

// waysPast are all ways to a node, with these relays.
func (r *Room) waysPast(t Target, c *call, s *Session, relays []string) []way {
	say := sync.OnceValue(func() error { return r.call(t, c, s, relays) })
	ways := []way{
		{path: Direct, try: func(ctx context.Context) (net.Conn, error) { return r.dial(ctx, t.Address) }},
		{path: Reversed, try: func(ctx context.Context) (net.Conn, error) {
			if err := say(); err != nil {
				return nil, err
			}
			return c.wait(ctx)
		}},
	}
	if len(r.udpAddresses()) > 0 {
		ways = append(ways, way{path: Punched, try: func(ctx context.Context) (net.Conn, error) {
			if err := say(); err != nil {
				return nil, err
			}
			addresses, err := c.awaitAnswer(ctx)
			if err != nil {
				return nil, err
			}
			return r.dialPunched(ctx, r.port, t.Node, addresses)
		}})
	}
	if len(relays) > 0 {
		ways = append(ways, way{path: Relayed, try: func(ctx context.Context) (net.Conn, error) {
			if err := say(); err != nil {
				return nil, err
			}
			return r.meetAny(ctx, relays, t.Node, c.nonce)
		}})
	}
	return ways
}

// someRelays are those at which a node that is called is to be met.
func (s *Session) someRelays() []string {
	list := slices.Clone(s.Coordinators())
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list[:min(len(list), maxRelays)]
}

// call asks a node to come.
func (r *Room) call(t Target, c *call, s *Session, relays []string) error {
	ctx, cancel := context.WithTimeout(r.ctx, greeting)
	defer cancel()
	payload, err := proto.Marshal(&anthillv1.PathSignal{Call: &anthillv1.PathCall{
		Nonce: c.nonce[:], Address: t.Address, Addresses: r.addresses(), Relays: relays, Udp: r.udpAddresses(),
	}})
	if err != nil {
		return err
	}
	return s.Signal(ctx, t.Node, payload)
}

// Signalled takes what another node has this one told.
func (r *Room) Signalled(s Signal) {
	var m anthillv1.PathSignal
	if err := proto.Unmarshal(s.Payload, &m); err != nil {
		return
	}
	if a := m.GetAnswer(); a != nil {
		if n, ok := nonceOf(a.GetNonce()); ok {
			r.calls.answer(n, s.From, r.knocker(s).doors(a.GetUdp()))
		}
	}
	if m.GetCall() == nil {
		return // it is of a kind that is not known here
	}
	n, ok := nonceOf(m.GetCall().GetNonce())
	if !ok || !r.means(m.GetCall().GetAddress()) {
		return
	}
	select {
	case r.answers <- struct{}{}:
	default:
		return // too many call: who means it calls again
	}
	r.running.Go(func() {
		defer func() { <-r.answers }()
		if err := r.answer(s, n, m.GetCall()); err != nil {
			r.cfg.Logger.Debug("failed to come to a node that called", "node", s.From.Short(), "error", err)
		}
	})
}

// means tells whether it is this process that is known under an address: others may share
// its identity.
func (r *Room) means(address string) bool {
	_, port, err := net.SplitHostPort(address)
	return err == nil && slices.ContainsFunc(r.addresses(), func(own string) bool {
		_, p, _ := net.SplitHostPort(own)
		return p == port
	})
}

// answer comes to a node that called. What comes late is served as well: the other side
// decides which connection it uses.
func (r *Room) answer(s Signal, n nonce, c *anthillv1.PathCall) error {
	ctx, cancel := context.WithTimeout(r.ctx, answerTime)
	defer cancel()
	defer r.visits.begin(s.From, cancel)()
	var ways []way
	k, from := r.knocker(s), s.From
	r.meetHalfway(ctx, from, n, k.doors(c.GetUdp()))
	for i, address := range k.doors(c.GetAddresses()) {
		ways = append(ways, way{path: Reversed, after: time.Duration(i) * headStart, try: func(ctx context.Context) (net.Conn, error) {
			return r.dialBack(ctx, from, n, address)
		}})
	}
	if relays := r.trusted(c.GetRelays()); len(relays) > 0 {
		ways = append(ways, way{path: Relayed, after: time.Duration(min(1, len(ways))) * relayStart, try: func(ctx context.Context) (net.Conn, error) {
			return r.meetAny(ctx, relays, from, n)
		}})
	}
	if len(ways) == 0 {
		return nil // it comes here, if it can
	}
	conn, done := overtake(ctx, ways, r.serve)
	if conn == nil && errors.Is(context.Cause(ctx), context.Canceled) {
		return nil // it came itself, or nobody is to come any more
	}
	if conn == nil {
		return unreached(done)
	}
	r.serve(conn)
	return nil
}

// meetHalfway opens this node's router for one that called, and tells where it is.
func (r *Room) meetHalfway(ctx context.Context, node jobs.NodeID, n nonce, at []string) {
	s, own := r.session.Load(), r.udpAddresses()
	if s == nil || len(own) == 0 || len(at) == 0 {
		return
	}
	for _, to := range at {
		if to, err := net.ResolveUDPAddr("udp", to); err == nil {
			r.running.Go(func() { r.port.punch(ctx, to) })
		}
	}
	payload, err := proto.Marshal(&anthillv1.PathSignal{Answer: &anthillv1.PathAnswer{Nonce: n[:], Udp: own}})
	if err == nil {
		err = s.Signal(ctx, node, payload)
	}
	if err != nil {
		r.cfg.Logger.Debug("failed to answer a node that called", "node", node.Short(), "error", err)
	}
}

// udpAddresses are from where this node's UDP packets come, as far as that can be told.
func (r *Room) udpAddresses() []string {
	if r.port == nil {
		return nil
	}
	var list []string
	_, at := r.outside.mapping(time.Now())
	for _, at := range at {
		list = append(list, at.String())
	}
	return list
}

// knocker says at whose doors to knock for a node.
func (r *Room) knocker(from Signal) knocker {
	k := knocker{host: from.FromHost, own: ownNetworks(), known: from.FromDialable}
	k.again = func(address string) bool { return r.knocks.begin(from.From, address, time.Now()) }
	if s := r.session.Load(); s != nil {
		k.known = slices.Concat(from.FromDialable, s.Coordinators())
	}
	return k
}

// trusted are those relays of a call that this node knows of itself.
func (r *Room) trusted(said []string) []string {
	s := r.session.Load()
	if s == nil {
		return nil
	}
	known := s.Coordinators()
	return slices.DeleteFunc(slices.Clone(said[:min(len(said), maxRelays)]), func(a string) bool { return !slices.Contains(known, a) })
}

// serve hands a connection to whoever serves what comes to this node.
func (r *Room) serve(conn net.Conn) {
	select {
	case r.comers <- conn:
	case <-r.ctx.Done():
		closeConn(conn)
	}
}
