package reach

import (
	"context"
	"net"
	"sync"
	"time"
)

// betterAfter is when a better path than a relay is looked for again, the last of them
// from then on.
var betterAfter = []time.Duration{3 * time.Second, 15 * time.Second, time.Minute, 5 * time.Minute}

const (
	// betterTime is how long that may take.
	betterTime = 5 * time.Second
	// readyTime is how long a connection by a better path waits for somebody to use it.
	readyTime = 30 * time.Second
)

// better is what is done about nodes that are reached through a relay. The zero value
// does nothing yet.
type better struct {
	mu      sync.Mutex
	looking map[Target]bool
	ready   map[Target]net.Conn
	tell    func(Target)
}

// OnBetter sets who is told that a better path to a node has opened: the next Dial to it
// goes by that. It must return soon.
func (r *Room) OnBetter(f func(Target)) {
	r.better.mu.Lock()
	defer r.better.mu.Unlock()
	r.better.tell = f
}

// take is a connection that is ready, or nil.
func (b *better) take(t Target) net.Conn {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.ready[t]
	delete(b.ready, t)
	return c
}

// relayed is a connection through a relay, beside which a better path is looked for.
type relayed struct {
	net.Conn
	closed context.CancelFunc
}

// Close ends the looking, too.
func (c relayed) Close() error {
	c.closed()
	return c.Conn.Close()
}

// whileRelayed looks for a better path to a node for as long as a connection through a
// relay lasts, unless somebody looks already.
func (r *Room) whileRelayed(conn net.Conn, t Target) net.Conn {
	b := &r.better
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.looking[t] || r.ctx.Err() != nil {
		return conn
	}
	if b.looking == nil {
		b.looking, b.ready = map[Target]bool{}, map[Target]net.Conn{}
	}
	b.looking[t] = true
	ctx, closed := context.WithCancel(r.ctx)
	r.running.Go(func() {
		r.lookForBetter(ctx, t)
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.looking, t)
	})
	return relayed{conn, closed}
}

func (r *Room) lookForBetter(ctx context.Context, t Target) {
	for i := 0; ; i++ {
		timer := time.NewTimer(betterAfter[min(i, len(betterAfter)-1)])
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
		if conn := r.dialBetter(ctx, t); conn != nil {
			r.offer(t, conn)
			return
		}
	}
}

// dialBetter connects to a node by any path but a relay, if there is one.
func (r *Room) dialBetter(ctx context.Context, t Target) net.Conn {
	ctx, cancel := context.WithTimeout(ctx, betterTime)
	defer cancel()
	c := r.calls.begin(t.Node)
	defer r.calls.end(c)
	conn, _ := overtake(ctx, r.waysPast(t, c, r.session.Load(), nil), closeConn)
	return conn
}

// offer has a connection ready for the next who dials, for a while.
func (r *Room) offer(t Target, conn net.Conn) {
	b := &r.better
	b.mu.Lock()
	b.ready[t] = conn
	tell := b.tell
	b.mu.Unlock()
	r.cfg.Logger.Debug("found a better path", "node", t.Node.Short(), "path", PathOf(conn.RemoteAddr()))
	if tell != nil {
		tell(t)
	}
	r.running.Go(func() {
		timer := time.NewTimer(readyTime)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.ctx.Done():
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.ready[t] == conn {
			delete(b.ready, t)
			closeConn(conn)
		}
	})
}
