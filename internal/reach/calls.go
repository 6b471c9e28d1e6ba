package reach

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/jobs"
)

// nonceSize is how many random bytes tell one call from another.
const nonceSize = 16

// greeting is how long a connection may take to say whom it is for.
const greeting = 5 * time.Second

type nonce [nonceSize]byte

func newNonce() (n nonce) {
	rand.Read(n[:]) // never fails
	return n
}

func nonceOf(b []byte) (n nonce, ok bool) {
	return n, copy(n[:], b) == nonceSize && len(b) == nonceSize
}

// calls are those that wait for a node to come.
type calls struct {
	mu      sync.Mutex
	waiting map[nonce]*call
}

// call waits for one node.
type call struct {
	nonce   nonce
	node    jobs.NodeID
	arrived chan net.Conn
	answers chan []string // the addresses from which its UDP packets come
}

// visits are what is under way to come to those that called, the oldest first. The zero
// value has none.
type visits struct {
	mu   sync.Mutex
	ends map[jobs.NodeID][]*context.CancelFunc
}

// begin notes one; done forgets it.
func (v *visits) begin(node jobs.NodeID, end context.CancelFunc) (done func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.ends == nil {
		v.ends = map[jobs.NodeID][]*context.CancelFunc{}
	}
	v.ends[node] = append(v.ends[node], &end)
	return func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.ends[node] = slices.DeleteFunc(v.ends[node], func(f *context.CancelFunc) bool { return f == &end })
		if len(v.ends[node]) == 0 {
			delete(v.ends, node)
		}
	}
}

// spare ends the oldest to a node: it has come itself.
func (v *visits) spare(node jobs.NodeID) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if list := v.ends[node]; len(list) > 0 {
		(*list[0])()
		v.ends[node] = list[1:]
	}
}

func (cs *calls) begin(node jobs.NodeID) *call {
	c := &call{nonce: newNonce(), node: node, arrived: make(chan net.Conn, 1), answers: make(chan []string, 1)}
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.waiting == nil {
		cs.waiting = map[nonce]*call{}
	}
	cs.waiting[c.nonce] = c
	return c
}

// end forgets a call, and closes what came too late.
func (cs *calls) end(c *call) {
	cs.mu.Lock()
	delete(cs.waiting, c.nonce)
	cs.mu.Unlock()
	select {
	case late := <-c.arrived:
		closeConn(late)
	default:
	}
}

// deliver gives a connection to the call that waits for it, if it is of the node that was
// called.
func (cs *calls) deliver(n nonce, node jobs.NodeID, conn net.Conn) bool {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	c := cs.waiting[n]
	if c == nil || c.node != node {
		return false
	}
	select {
	case c.arrived <- conn:
		return true
	default:
		return false // one came already
	}
}

// answer gives a call the answer of the node that was called.
func (cs *calls) answer(n nonce, node jobs.NodeID, udp []string) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if c := cs.waiting[n]; c != nil && c.node == node {
		select {
		case c.answers <- udp:
		default: // it had one
		}
	}
}

// awaitAnswer waits for the word to begin punching.
func (c *call) awaitAnswer(ctx context.Context) ([]string, error) {
	select {
	case udp := <-c.answers:
		return udp, nil
	case <-ctx.Done():
		return nil, errors.New("it does not say from where its UDP packets come")
	}
}

// wait waits for the node to come.
func (c *call) wait(ctx context.Context) (net.Conn, error) {
	select {
	case conn := <-c.arrived:
		return conn, nil
	case <-ctx.Done():
		return nil, errors.New("it was asked to come, and did not")
	}
}

// Back takes a connection whose other end dialled because it was asked to. It returns at
// once.
func (r *Room) Back(conn *tls.Conn, peer identity.Peer) {
	go func() {
		var n nonce
		err := conn.SetDeadline(time.Now().Add(greeting))
		if err == nil {
			_, err = io.ReadFull(conn, n[:])
		}
		if err == nil {
			err = conn.SetDeadline(time.Time{})
		}
		if err != nil || !r.calls.deliver(n, peer.Node, r.secured(conn, Reversed)) {
			closeConn(conn)
		}
	}()
}

// dialBack dials a node that waits for this one.
func (r *Room) dialBack(ctx context.Context, node jobs.NodeID, n nonce, address string) (net.Conn, error) {
	raw, err := r.cfg.Dial(ctx, address)
	if err != nil {
		return nil, err
	}
	conn := tls.Client(raw, r.cfg.Identity.ClientTLS(identity.WantNode(node), identity.ProtoBack))
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	r.knocks.found(node, address)
	if p := conn.ConnectionState().NegotiatedProtocol; p != identity.ProtoBack {
		return nil, errors.Join(fmt.Errorf("%s does not wait for anybody: it is too old", address), conn.Close())
	}
	if _, err := conn.Write(n[:]); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return r.secured(conn, Reversed), nil
}
