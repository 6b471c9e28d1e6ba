package membership

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/anthill-grid/anthill/jobs"
)

// A connection for gossip begins with one byte that says what comes.
const (
	kindPackets = 'p' // packets, each after its length in two bytes, big endian
	kindStream  = 's' // one exchange of memberlist's
)

const (
	// queuedPackets are kept for one member while a connection to it is made. More
	// are dropped, as UDP would: gossip repeats what matters.
	queuedPackets = 64
	// dialTimeout bounds the making of a connection, and writeTimeout a packet's way
	// into it.
	dialTimeout  = 3 * time.Second
	writeTimeout = 3 * time.Second
	// idleAfter is how long a connection without packets is kept.
	idleAfter = time.Minute
	// maxTaken bounds the connections that one member may have made, each of which may
	// carry all that it knows.
	maxTaken = 8
	// streamTime bounds one exchange of all that two members know.
	streamTime = 30 * time.Second
)

// Transport carries gossip over the nodes' TLS port: every packet comes from a peer
// that was authenticated before, so there is no key to share and none to lose.
type Transport struct {
	address string // HOST:PORT of this node's TLS port, told to the others
	dial    func(ctx context.Context, address string, node jobs.NodeID) (*tls.Conn, error)

	packets chan *memberlist.Packet
	streams chan net.Conn
	ended   context.Context
	end     context.CancelFunc
	running sync.WaitGroup

	mu    sync.Mutex
	links map[string]*packetLink // by address
	conns map[net.Conn]bool      // all that are open, to be closed in the end

	counting sync.Mutex
	taken    map[jobs.NodeID]int // connections that members have made
}

// NewTransport makes connections by dial, which proves that a member is at the
// address: that node, or any if node is empty. Those that members make are to be
// handed to Take.
func NewTransport(address string, dial func(ctx context.Context, address string, node jobs.NodeID) (*tls.Conn, error)) *Transport {
	t := &Transport{
		address: address, dial: dial, packets: make(chan *memberlist.Packet), streams: make(chan net.Conn),
		links: map[string]*packetLink{}, conns: map[net.Conn]bool{}, taken: map[jobs.NodeID]int{},
	}
	t.ended, t.end = context.WithCancel(context.Background())
	return t
}

// packetLink is the way of packets to one member.
type packetLink struct {
	queue chan []byte
}

// Take serves a connection that a member has made. It owns it, and returns at once. One
// too many of the same member is closed.
func (t *Transport) Take(conn net.Conn, from jobs.NodeID) {
	if !t.enter(from) {
		_ = conn.Close() // it is none of ours
		return
	}
	raw := conn
	conn = &trackedConn{Conn: raw, drop: sync.OnceValue(func() error {
		t.leave(from)
		return raw.Close()
	})}
	if !t.keep(conn) {
		return
	}
	t.running.Go(func() {
		var kind [1]byte
		_ = conn.SetReadDeadline(time.Now().Add(dialTimeout))
		if _, err := io.ReadFull(conn, kind[:]); err != nil {
			t.drop(conn)
			return
		}
		_ = conn.SetReadDeadline(time.Time{})
		switch kind[0] {
		case kindPackets:
			t.read(conn)
			t.drop(conn)
		case kindStream:
			t.hand(conn)
		default:
			t.drop(conn)
		}
	})
}

func (t *Transport) enter(from jobs.NodeID) bool {
	t.counting.Lock()
	defer t.counting.Unlock()
	if t.taken[from] >= maxTaken {
		return false
	}
	t.taken[from]++
	return true
}

func (t *Transport) leave(from jobs.NodeID) {
	t.counting.Lock()
	defer t.counting.Unlock()
	if t.taken[from]--; t.taken[from] == 0 {
		delete(t.taken, from)
	}
}

// hand gives a stream to memberlist, which closes it.
func (t *Transport) hand(conn net.Conn) {
	_ = conn.SetDeadline(time.Now().Add(streamTime)) // memberlist sets shorter ones
	select {
	case t.streams <- &trackedConn{Conn: conn, drop: func() error { return t.drop(conn) }}:
	case <-t.ended.Done():
		t.drop(conn)
	}
}

// read takes packets from a connection until it ends.
func (t *Transport) read(conn net.Conn) {
	for {
		_ = conn.SetReadDeadline(time.Now().Add(2 * idleAfter))
		var size [2]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return
		}
		packet := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(conn, packet); err != nil {
			return
		}
		select {
		case t.packets <- &memberlist.Packet{Buf: packet, From: conn.RemoteAddr(), Timestamp: time.Now()}:
		case <-t.ended.Done():
			return
		}
	}
}

// FinalAdvertiseAddr implements memberlist.Transport: what others dial is the TLS
// port. It must be an address, where memberlist takes no names.
func (t *Transport) FinalAdvertiseAddr(string, int) (net.IP, int, error) {
	address, err := net.ResolveTCPAddr("tcp", t.address)
	if err != nil {
		return nil, 0, fmt.Errorf("gossip as %s: %w", t.address, err)
	}
	return address.IP, address.Port, nil
}

// WriteTo implements memberlist.Transport.
func (t *Transport) WriteTo(packet []byte, address string) (time.Time, error) {
	return t.WriteToAddress(packet, memberlist.Address{Addr: address})
}

// WriteToAddress queues a packet, or drops it where the member is slow.
func (t *Transport) WriteToAddress(packet []byte, to memberlist.Address) (time.Time, error) {
	if len(packet) > 1<<16-1 {
		return time.Time{}, fmt.Errorf("gossip to %s: a packet of %d bytes", to.Addr, len(packet))
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended.Err() != nil {
		return time.Time{}, errors.New("gossip has ended")
	}
	link := t.links[to.Addr]
	if link == nil {
		link = &packetLink{queue: make(chan []byte, queuedPackets)}
		t.links[to.Addr] = link
		t.running.Go(func() { t.send(link, to) })
	}
	select {
	case link.queue <- append([]byte(nil), packet...):
	default:
	}
	return time.Now(), nil
}

// send writes a member's packets into one connection until there are none for a while,
// or it breaks; the next packet makes another.
func (t *Transport) send(link *packetLink, to memberlist.Address) {
	defer t.forget(link, to.Addr)
	conn, err := t.open(to, dialTimeout, kindPackets)
	if err != nil {
		return // memberlist finds out by the answers that do not come
	}
	defer t.drop(conn)
	idle := time.NewTimer(idleAfter)
	defer idle.Stop()
	for {
		select {
		case packet := <-link.queue:
			_ = conn.SetWriteDeadline(time.Now().Add(writeTimeout))
			if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(packet))), packet...)); err != nil {
				return
			}
			idle.Reset(idleAfter)
		case <-idle.C:
			return
		case <-t.ended.Done():
			return
		}
	}
}

func (t *Transport) forget(link *packetLink, address string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.links[address] == link {
		delete(t.links, address)
	}
}

// open connects to a member and says what comes.
func (t *Transport) open(to memberlist.Address, timeout time.Duration, kind byte) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(t.ended, timeout)
	defer cancel()
	conn, err := t.dial(ctx, to.Addr, jobs.NodeID(to.Name))
	if err != nil {
		return nil, fmt.Errorf("gossip with %s: %w", to.String(), err)
	}
	if !t.keep(conn) {
		return nil, errors.New("gossip has ended")
	}
	_ = conn.SetWriteDeadline(time.Now().Add(timeout))
	if _, err := conn.Write([]byte{kind}); err != nil {
		return nil, errors.Join(fmt.Errorf("gossip with %s: %w", to.String(), err), t.drop(conn))
	}
	_ = conn.SetWriteDeadline(time.Time{})
	return conn, nil
}

// PacketCh implements memberlist.Transport.
func (t *Transport) PacketCh() <-chan *memberlist.Packet { return t.packets }

// DialTimeout implements memberlist.Transport.
func (t *Transport) DialTimeout(address string, timeout time.Duration) (net.Conn, error) {
	return t.DialAddressTimeout(memberlist.Address{Addr: address}, timeout)
}

// DialAddressTimeout opens a stream to a member.
func (t *Transport) DialAddressTimeout(to memberlist.Address, timeout time.Duration) (net.Conn, error) {
	conn, err := t.open(to, timeout, kindStream)
	if err != nil {
		return nil, err
	}
	return &trackedConn{Conn: conn, drop: func() error { return t.drop(conn) }}, nil
}

// StreamCh implements memberlist.Transport.
func (t *Transport) StreamCh() <-chan net.Conn { return t.streams }

// Shutdown closes all connections, and waits for what runs on them.
func (t *Transport) Shutdown() error {
	t.mu.Lock()
	t.end()
	for conn := range t.conns {
		_ = conn.Close()
	}
	t.mu.Unlock()
	t.running.Wait()
	return nil
}

// keep notes a connection that is open. Once gossip has ended it closes it instead.
func (t *Transport) keep(conn net.Conn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended.Err() != nil {
		_ = conn.Close()
		return false
	}
	t.conns[conn] = true
	return true
}

func (t *Transport) drop(conn net.Conn) error {
	t.mu.Lock()
	delete(t.conns, conn)
	t.mu.Unlock()
	return conn.Close()
}

// trackedConn is a stream that the transport forgets when it is closed.
type trackedConn struct {
	net.Conn
	drop func() error
}

// Close implements net.Conn.
func (c *trackedConn) Close() error { return c.drop() }
