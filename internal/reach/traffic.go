package reach

import (
	"net"
	"sync/atomic"
)

// Traffic is how many bytes went each way.
type Traffic struct{ In, Out int64 }

// counter counts them.
type counter struct{ in, out atomic.Int64 }

// Traffic is what went to and from other nodes, by path. Paths that nothing went by are
// left out.
func (r *Room) Traffic() map[Path]Traffic {
	list := map[Path]Traffic{}
	for p := range r.traffic {
		if t := (Traffic{r.traffic[p].in.Load(), r.traffic[p].out.Load()}); t != (Traffic{}) {
			list[Path(p)] = t
		}
	}
	return list
}

// counted is a connection whose bytes are counted.
type counted struct {
	net.Conn
	*account
}

// account is what one connection has moved, and by which path that counts.
type account struct {
	by  atomic.Pointer[counter]
	own counter
}

func (r *Room) count(c net.Conn, p Path) counted {
	a := &account{}
	a.by.Store(&r.traffic[p])
	return counted{c, a}
}

// move has all that a connection has moved count by another path, where it is counted.
func (r *Room) move(c net.Conn, p Path) (isCounted bool) {
	for {
		if c, ok := c.(counted); ok {
			in, out, to := c.own.in.Load(), c.own.out.Load(), &r.traffic[p]
			from := c.by.Swap(to)
			from.in.Add(-in)
			from.out.Add(-out)
			to.in.Add(in)
			to.out.Add(out)
			return true
		}
		around, ok := c.(interface{ Unwrap() net.Conn })
		if !ok {
			return false
		}
		c = around.Unwrap()
	}
}

// Read implements net.Conn.
func (c counted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.own.in.Add(int64(n))
	c.by.Load().in.Add(int64(n))
	return n, err
}

// Write implements net.Conn.
func (c counted) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.own.out.Add(int64(n))
	c.by.Load().out.Add(int64(n))
	return n, err
}

// Unwrap is the connection that is counted.
func (c counted) Unwrap() net.Conn { return c.Conn }
