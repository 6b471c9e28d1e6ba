package reach

import (
	"errors"
	"net"
	"net/netip"
	"sync"
)

// Listen gives what comes to a listener and what this node dialled for others alike. It
// is called once.
func (r *Room) Listen(inner net.Listener) net.Listener {
	return &listener{Listener: inner, room: r, accepted: make(chan accepted), closed: make(chan struct{})}
}

type listener struct {
	net.Listener
	room     *Room
	accepted chan accepted
	begin    sync.Once
	once     sync.Once
	closed   chan struct{}
}

type accepted struct {
	conn net.Conn
	err  error
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	l.begin.Do(func() { go l.accept() })
	select {
	case a := <-l.accepted:
		if a.err != nil {
			return nil, a.err
		}
		return l.room.count(a.conn, l.room.cameBy(a.conn.RemoteAddr())), nil
	case conn := <-l.room.comers:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// cameBy is the path of what comes to the listener: from outside of the home, it is the
// router's port where nothing else leads here.
func (r *Room) cameBy(from net.Addr) Path {
	at, err := netip.ParseAddrPort(from.String())
	if err == nil && isPublic(at.Addr().Unmap()) && r.Standing().Mapped {
		return Mapped
	}
	return Direct
}

func (l *listener) accept() {
	for {
		conn, err := l.Listener.Accept()
		select {
		case l.accepted <- accepted{conn, err}:
		case <-l.closed:
			if err == nil {
				closeConn(conn)
			}
			return
		}
		if errors.Is(err, net.ErrClosed) {
			return
		}
	}
}

// Close implements net.Listener.
func (l *listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}
