package reach

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
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

// Signaller has a node told something through its session.
type Signaller interface {
	Signal(ctx context.Context, to jobs.NodeID, payload []byte) error
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
	// Dial connects by TCP; default Dial.
	Dial   func(ctx context.Context, address string) (net.Conn, error)
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
	session atomic.Pointer[session]
	ctx     context.Context
	stop    context.CancelFunc
	running sync.WaitGroup
}

// session is what a room needs of the node's session.
type session struct {
	signaller Signaller
	relays    func() []string
}

// New makes a Room, to be closed after use.
func New(cfg Config) *Room {
	if cfg.Dial == nil {
		cfg.Dial = Dial
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	r := &Room{cfg: cfg, comers: make(chan net.Conn), answers: make(chan struct{}, maxAnswers)}
	r.ctx, r.stop = context.WithCancel(context.Background())
	return r
}

// Join lets the room use a node's session: to call others by s, and to meet at relays.
// Before, nobody is reached but by dialling.
func (r *Room) Join(s Signaller, relays func() []string) { r.session.Store(&session{s, relays}) }

// Close ends what is under way.
func (r *Room) Close() error {
	r.stop()
	r.running.Wait()
	return nil
}

// Dial connects to a node by the first path that leads there. What it gives is either to
// be handshaken by its user, or an identity.TLSConn.
func (r *Room) Dial(ctx context.Context, t Target) (net.Conn, error) {
	s := r.session.Load()
	if s == nil || t.Node == "" || t.Node == r.cfg.Identity.Node() {
		return r.cfg.Dial(ctx, t.Address)
	}
	c := r.calls.begin(t.Node)
	defer r.calls.end(c)
	began := time.Now()
	conn, done := overtake(ctx, r.ways(t, c, s), closeConn)
	r.memory.learn(t.Node, done, began, time.Now())
	if conn == nil {
		return nil, unreached(done)
	}
	return conn, nil
}

// ways are those to a node, in the order in which they are tried.
func (r *Room) ways(t Target, c *call, s *session) []way {
	meet := s.someRelays()
	say := sync.OnceValue(func() error { return r.call(t, c, s, meet) })
	ways := []way{
		{path: Direct, try: func(ctx context.Context) (net.Conn, error) { return r.cfg.Dial(ctx, t.Address) }},
		{path: Reversed, try: func(ctx context.Context) (net.Conn, error) {
			if err := say(); err != nil {
				return nil, err
			}
			return c.wait(ctx)
		}},
	}
	if len(meet) > 0 {
		ways = append(ways, way{path: Relayed, try: func(ctx context.Context) (net.Conn, error) {
			if err := say(); err != nil {
				return nil, err
			}
			return r.meetAny(ctx, meet, t.Node, c.nonce)
		}})
	}
	return r.memory.plan(t.Node, time.Now(), ways)
}

// someRelays are those at which a node that is called is to be met.
func (s *session) someRelays() []string {
	list := slices.Clone(s.relays())
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list[:min(len(list), maxRelays)]
}

// call asks a node to come.
func (r *Room) call(t Target, c *call, s *session, relays []string) error {
	ctx, cancel := context.WithTimeout(r.ctx, greeting)
	defer cancel()
	payload, err := proto.Marshal(&anthillv1.PathSignal{Call: &anthillv1.PathCall{
		Nonce: c.nonce[:], Address: t.Address, Addresses: r.addresses(), Relays: relays,
	}})
	if err != nil {
		return err
	}
	return s.signaller.Signal(ctx, t.Node, payload)
}

// addresses are where this node can perhaps be dialled.
func (r *Room) addresses() []string { return []string{r.cfg.Address} }

// Signalled takes what another node has this one told.
func (r *Room) Signalled(from jobs.NodeID, payload []byte) {
	var m anthillv1.PathSignal
	if err := proto.Unmarshal(payload, &m); err != nil || m.GetCall() == nil {
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
		if err := r.answer(from, n, m.GetCall()); err != nil {
			r.cfg.Logger.Debug("failed to come to a node that called", "node", from.Short(), "error", err)
		}
	})
}

// means tells whether it is this process that is known under an address: others may share
// its identity.
func (r *Room) means(address string) bool {
	_, port, err := net.SplitHostPort(address)
	_, own, _ := net.SplitHostPort(r.cfg.Address)
	return err == nil && port == own
}

// answer comes to a node that called. What comes late is served as well: the other side
// decides which connection it uses.
func (r *Room) answer(from jobs.NodeID, n nonce, c *anthillv1.PathCall) error {
	ctx, cancel := context.WithTimeout(r.ctx, answerTime)
	defer cancel()
	var ways []way
	for i, address := range knocks(c.GetAddresses(), ownNetworks()) {
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
		return errors.New("it does not say where to come to")
	}
	conn, done := overtake(ctx, ways, r.serve)
	if conn == nil {
		return unreached(done)
	}
	r.serve(conn)
	return nil
}

// trusted are those relays of a call that this node knows of itself.
func (r *Room) trusted(said []string) []string {
	s := r.session.Load()
	if s == nil {
		return nil
	}
	known := s.relays()
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
