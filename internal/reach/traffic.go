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
	by *counter
}

func (r *Room) count(c net.Conn, p Path) counted { return counted{c, &r.traffic[p]} }

// Read implements net.Conn.
func (c counted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.by.in.Add(int64(n))
	return n, err
}

// Write implements net.Conn.
func (c counted) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.by.out.Add(int64(n))
	return n, err
}

// Unwrap is the connection that is counted.
func (c counted) Unwrap() net.Conn { return c.Conn }
