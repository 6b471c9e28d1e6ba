// Package throttle keeps a node's traffic within the rates that its donor set.
// All connections of a Line share them, byte by byte in the order in which they
// ask. It also counts what they carry against a volume for each month.
package throttle

import (
	"context"
	"errors"
	"fmt"
	"net"

	"golang.org/x/time/rate"

	"github.com/anthill-grid/anthill/internal/reach"
)

// Limits are what a line may carry; zero means no limit.
type Limits struct {
	Up, Down int64 // bytes a second
	Peers    int   // connections that others may hold at a time, see Credentials
	Monthly  int64 // bytes both ways in a calendar month, see Volume
}

// Validate returns an error that names the first limit that is below zero, or nil.
func (l Limits) Validate() error {
	switch {
	case l.Up < 0:
		return fmt.Errorf("uploads of %d bytes a second: want none below 0", l.Up)
	case l.Down < 0:
		return fmt.Errorf("downloads of %d bytes a second: want none below 0", l.Down)
	case l.Peers < 0:
		return fmt.Errorf("connections of %d peers: want none below 0", l.Peers)
	case l.Monthly < 0:
		return fmt.Errorf("%d bytes a month: want none below 0", l.Monthly)
	}
	return nil
}

// Line is a node's connection to the world.
type Line struct {
	up, down *rate.Limiter // nil: no limit
	peers    int
	volume   *Volume // nil: not counted
}

// New makes a Line whose bytes are counted in v, if it is not nil. The line only counts:
// its users ask v whether it may still carry something.
func New(l Limits, v *Volume) *Line {
	return &Line{up: limiter(l.Up), down: limiter(l.Down), peers: l.Peers, volume: v}
}

// free tells whether connections need no wrapping.
func (l *Line) free() bool { return l.up == nil && l.down == nil && l.volume == nil }

// minBurst is what may pass at once however low the rate is.
const minBurst = 64 << 10

func limiter(bytes int64) *rate.Limiter {
	if bytes == 0 {
		return nil
	}
	return rate.NewLimiter(rate.Limit(bytes), int(max(minBurst, bytes/8)))
}

// Listen puts a listener on the line.
func (l *Line) Listen(inner net.Listener) net.Listener {
	if l.free() {
		return inner
	}
	return &listener{inner, l}
}

type listener struct {
	net.Listener
	line *Line
}

func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.line.wrap(c), nil
}

// Dial connects to an address over the line.
func (l *Line) Dial(ctx context.Context, address string) (net.Conn, error) {
	c, err := reach.Dial(ctx, address)
	if err != nil {
		return nil, err
	}
	return l.Carry(c), nil
}

// Carry puts a connection that was made otherwise on the line.
func (l *Line) Carry(c net.Conn) net.Conn {
	if l.free() {
		return c
	}
	return l.wrap(c)
}

func (l *Line) wrap(c net.Conn) net.Conn {
	ctx, end := context.WithCancel(context.Background())
	return &conn{Conn: c, line: l, ctx: ctx, end: end}
}

// conn waits for its share of the line.
type conn struct {
	net.Conn
	line *Line
	ctx  context.Context // ends with Close
	end  context.CancelFunc
}

// Unwrap is the connection without the line.
func (c *conn) Unwrap() net.Conn { return c.Conn }

// Close also ends reads and writes that wait.
func (c *conn) Close() error {
	c.end()
	return c.Conn.Close()
}

// Read takes what has come and waits until that much may come: the sender learns
// of it by TCP's window.
func (c *conn) Read(p []byte) (int, error) {
	if c.line.down != nil {
		p = p[:min(len(p), c.line.down.Burst())]
	}
	n, err := c.Conn.Read(p)
	c.line.volume.Add(n)
	if c.line.down == nil {
		return n, err
	}
	if n > 0 {
		if wait := c.line.down.WaitN(c.ctx, n); wait != nil {
			return n, errors.Join(err, net.ErrClosed)
		}
	}
	return n, err
}

// chunk is how much one connection sends before others get their turn.
const chunk = 16 << 10

func (c *conn) Write(p []byte) (sent int, err error) {
	if c.line.up == nil {
		n, err := c.Conn.Write(p)
		c.line.volume.Add(n)
		return n, err
	}
	for len(p) > 0 {
		part := p[:min(len(p), chunk)]
		if c.line.up.WaitN(c.ctx, len(part)) != nil {
			return sent, net.ErrClosed
		}
		n, err := c.Conn.Write(part)
		sent += n
		c.line.volume.Add(n)
		if err != nil {
			return sent, err
		}
		p = p[len(part):]
	}
	return sent, nil
}
