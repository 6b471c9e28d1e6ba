package reach

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
	"golang.org/x/time/rate"

	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/jobs"
)

const (
	// quicIdle is after how much silence a punched path is given up, and quicAlive how
	// often it is kept open: some routers forget after 30 seconds.
	quicIdle  = 30 * time.Second
	quicAlive = 10 * time.Second
	// lastWords is how long what was written before a Close has to arrive.
	lastWords = 500 * time.Millisecond
	// unproven is how many handshakes a second may begin without a proof that their
	// sender gets what is sent to it.
	unproven = 50
	// A node opens its own router by a few packets that need not arrive.
	punches     = 5
	punchesOver = 100 * time.Millisecond
)

// port is this node's UDP port: of QUIC, and of the few packets beside it.
type port struct {
	transport *quic.Transport
	listener  *quic.Listener
	config    *quic.Config
	running   sync.WaitGroup
}

// openPort opens the UDP port of an address, where it is free.
func (r *Room) openPort(address string) (*port, error) {
	at, err := net.ResolveUDPAddr("udp", address)
	if err != nil {
		return nil, err
	}
	conn, err := net.ListenUDP("udp", at)
	if err != nil {
		return nil, err
	}
	quiet()
	fresh := rate.NewLimiter(unproven, unproven)
	p := &port{
		transport: &quic.Transport{Conn: conn, VerifySourceAddress: func(net.Addr) bool { return !fresh.Allow() }},
		config: &quic.Config{
			HandshakeIdleTimeout: greeting, MaxIdleTimeout: quicIdle, KeepAlivePeriod: quicAlive,
			MaxIncomingStreams: 1, MaxIncomingUniStreams: -1,
		},
	}
	if p.listener, err = p.transport.Listen(r.cfg.Identity.ServerTLS(identity.ProtoPunch), p.config); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	p.running.Go(func() { r.acceptPunched(p) })
	p.running.Go(func() { r.hearAside(p) })
	return p, nil
}

// quiet keeps the library from writing to standard error about the size of buffers, which
// is for users to change and none of their concern.
var quiet = sync.OnceFunc(func() { _ = os.Setenv("QUIC_GO_DISABLE_RECEIVE_BUFFER_WARNING", "true") })

func (p *port) close() error {
	err := errors.Join(p.listener.Close(), p.transport.Close(), p.transport.Conn.Close())
	p.running.Wait()
	return err
}

// acceptPunched serves those that came through.
func (r *Room) acceptPunched(p *port) {
	for {
		conn, err := p.listener.Accept(r.ctx)
		if err != nil {
			return // it was closed
		}
		p.running.Go(func() {
			ctx, cancel := context.WithTimeout(r.ctx, greeting)
			defer cancel()
			stream, err := conn.AcceptStream(ctx)
			peer, ok := r.known(conn)
			if err != nil || !ok {
				_ = conn.CloseWithError(0, "") // it said nothing
				return
			}
			r.visits.spare(peer.Node)
			r.knocks.found(peer.Node, plainAddr(conn.RemoteAddr().(*net.UDPAddr)).String())
			r.serve(r.punched(conn, stream))
		})
	}
}

// known tells whether it is a node of the grid that has come: strangers have no business
// here.
func (r *Room) known(conn *quic.Conn) (identity.Peer, bool) {
	peer, err := identity.PeerFrom(conn.ConnectionState().TLS)
	return peer, err == nil && peer.Role != jobs.Stranger
}

// dialPunched connects by QUIC to a node at whichever of these addresses answers.
func (r *Room) dialPunched(ctx context.Context, p *port, node jobs.NodeID, addresses []string) (net.Conn, error) {
	if len(addresses) == 0 {
		return nil, errors.New("it has no UDP address that others see")
	}
	var ways []way
	for _, address := range addresses {
		at, err := net.ResolveUDPAddr("udp", address)
		if err != nil {
			return nil, err
		}
		ways = append(ways, way{path: Punched, try: func(ctx context.Context) (net.Conn, error) {
			go p.punch(ctx, at)
			conn, err := p.transport.Dial(ctx, at, r.cfg.Identity.ClientTLS(identity.WantNode(node), identity.ProtoPunch), p.config)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", at, err)
			}
			r.knocks.found(node, address)
			stream, err := conn.OpenStream()
			if err != nil {
				return nil, errors.Join(err, conn.CloseWithError(0, ""))
			}
			return r.punched(conn, stream), nil
		}})
	}
	conn, done := overtake(ctx, ways, closeConn)
	if conn == nil {
		return nil, unreached(done)
	}
	return conn, nil
}

// punch sends packets that need not arrive: they open this node's own router for answers.
func (p *port) punch(ctx context.Context, to *net.UDPAddr) {
	for range punches {
		if _, err := p.transport.WriteTo([]byte{asideNothing}, to); err != nil {
			return
		}
		select {
		case <-time.After(punchesOver / punches):
		case <-ctx.Done():
			return
		}
	}
}

// punched is a connection by QUIC, of which it is the only stream.
func (r *Room) punched(conn *quic.Conn, stream *quic.Stream) net.Conn {
	return secured{r.plain(r.cfg.Carry(quicStream{stream, conn}), Punched), quicState{conn}}
}

// quicStream is a stream as a connection.
type quicStream struct {
	*quic.Stream
	conn *quic.Conn
}

func (s quicStream) LocalAddr() net.Addr  { return s.conn.LocalAddr() }
func (s quicStream) RemoteAddr() net.Addr { return s.conn.RemoteAddr() }

// Close ends the connection, once the other side may have all that was written.
func (s quicStream) Close() error {
	s.CancelRead(0)
	err := s.Stream.Close()
	time.AfterFunc(lastWords, func() { _ = s.conn.CloseWithError(0, "") })
	return err
}

// quicState is the handshake of a connection by QUIC.
type quicState struct{ conn *quic.Conn }

func (s quicState) ConnectionState() tls.ConnectionState { return s.conn.ConnectionState().TLS }
