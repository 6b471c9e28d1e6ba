package gridconn

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

const (
	// quietTime is how long nothing comes over a connection on which calls wait until the
	// coordinator is asked whether it lives, and answerTime how long nothing may come
	// after that. Together they are the second after which a call is given up.
	quietTime  = 400 * time.Millisecond
	answerTime = 600 * time.Millisecond
	// askEvery is how far apart one that lives is asked while calls wait for long, and
	// hungEvery one that does not.
	askEvery  = time.Second
	hungEvery = 200 * time.Millisecond
	// flowing is how many bytes written since it was asked show that a coordinator
	// lives: its answer is behind them on a slow line.
	flowing = 64 << 10
)

// errHung ends the calls to a coordinator that is connected and does not live: its process
// was stopped, or its machine is stuck. They may be repeated elsewhere.
var errHung = errors.New("the coordinator is connected and does not answer")

// lines are the connections under a Conn, by the coordinator's address.
type lines struct {
	mu   sync.Mutex
	list map[string]*line
}

func (l *lines) of(address string) *line {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.list[address]
}

// watch has what is read and written of a new connection noted.
func (c *Conn) watch(address string, conn net.Conn) net.Conn {
	l := &line{Conn: conn, ask: func(ctx context.Context) { c.ask(ctx, address) }, tries: map[*try]bool{}}
	c.lines.mu.Lock()
	defer c.lines.mu.Unlock()
	c.lines.list[address] = l
	return l
}

// ask makes a call that anybody answers at once. Whatever comes back counts.
func (c *Conn) ask(ctx context.Context, address string) {
	ctx = context.WithValue(ctx, tryKey{}, &try{pinned: address})
	_, _ = healthv1.NewHealthClient(c.ClientConn).Check(ctx, &healthv1.HealthCheckRequest{})
}

// line is one connection, and the calls that wait on it.
type line struct {
	net.Conn
	ask func(context.Context)

	read  atomic.Int64 // when, as UnixNano
	wrote atomic.Int64 // bytes
	hung  atomic.Bool

	mu     sync.Mutex
	tries  map[*try]bool
	busy   time.Time // since when there are some
	looks  bool      // look will be called
	closed bool
}

// Read implements net.Conn.
func (l *line) Read(p []byte) (int, error) {
	n, err := l.Conn.Read(p)
	if n > 0 {
		l.read.Store(time.Now().UnixNano())
		l.hung.Store(false)
	}
	return n, err
}

// Write implements net.Conn.
func (l *line) Write(p []byte) (int, error) {
	n, err := l.Conn.Write(p)
	l.wrote.Add(int64(n))
	return n, err
}

// Close implements net.Conn.
func (l *line) Close() error {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	return l.Conn.Close()
}

func (l *line) add(t *try) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.tries) == 0 {
		l.busy = time.Now()
	}
	l.tries[t] = true
	l.lookIn(quietTime)
}

func (l *line) remove(t *try) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.tries, t)
}

// lookIn is called with mu held.
func (l *line) lookIn(d time.Duration) {
	if !l.looks {
		l.looks = true
		time.AfterFunc(d, l.look)
	}
}

// look asks whether the coordinator lives, where calls wait and nothing comes.
func (l *line) look() {
	l.mu.Lock()
	l.looks = false
	idle, since := len(l.tries) == 0 && !l.hung.Load(), l.busy
	if l.closed || idle {
		l.mu.Unlock()
		return
	}
	if read := time.Unix(0, l.read.Load()); read.After(since) {
		since = read
	}
	if left := quietTime - time.Since(since); left > 0 {
		l.lookIn(left)
		l.mu.Unlock()
		return
	}
	l.looks = true // by what follows
	l.mu.Unlock()

	alive := l.lives()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.looks = false
	if alive {
		l.lookIn(askEvery)
		return
	}
	for t := range l.tries {
		t.cancel(errHung)
	}
	l.lookIn(hungEvery)
}

// lives asks, and notes where nothing comes.
func (l *line) lives() bool {
	began, wrote := time.Now().UnixNano(), l.wrote.Load()
	ctx, cancel := context.WithTimeout(context.Background(), answerTime)
	defer cancel()
	l.ask(ctx)
	if l.read.Load() >= began || l.wrote.Load()-wrote > flowing {
		return true
	}
	l.hung.Store(true)
	return false
}

// try is a call from when it is made until it is answered.
type try struct {
	pinned string // the coordinator that it must go to; "": any
	cancel context.CancelCauseFunc

	mu    sync.Mutex
	line  *line // that it was sent on; nil: none yet
	ended bool
}

type tryKey struct{}

// begin has a call given up when the coordinator to which it is sent hangs.
func begin(ctx context.Context) (context.Context, *try) {
	t := &try{}
	ctx, t.cancel = context.WithCancelCause(ctx)
	return context.WithValue(ctx, tryKey{}, t), t
}

// sent is called when it is known on which connection; again, where gRPC repeats it.
func (t *try) sent(l *line) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.line != nil {
		t.line.remove(t)
	}
	if t.line = l; l != nil && !t.ended {
		l.add(t)
	}
}

func (t *try) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = true
	if t.line != nil {
		t.line.remove(t)
	}
	t.cancel(nil)
}

// why replaces the error of a call that was given up.
func why(ctx context.Context, err error) error {
	if err != nil && context.Cause(ctx) == errHung {
		return status.Error(codes.Unavailable, errHung.Error())
	}
	return err
}

// aliveOption gives up the calls to a coordinator that hangs.
func aliveOption() []grpc.DialOption {
	unary := func(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		if ctx.Value(tryKey{}) != nil {
			return invoke(ctx, method, req, reply, conn, opts...)
		}
		ctx, t := begin(ctx)
		defer t.end()
		return why(ctx, invoke(ctx, method, req, reply, conn, opts...))
	}
	stream := func(ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
		if method == anthillv1.SessionService_Attend_FullMethodName {
			return open(ctx, desc, conn, method, opts...) // a session listens for life itself
		}
		ctx, t := begin(ctx)
		s, err := open(ctx, desc, conn, method, opts...)
		if err != nil {
			err = why(ctx, err)
			t.end()
			return nil, err
		}
		context.AfterFunc(ctx, t.end) // who stops reading ends the context
		return aliveStream{s, t, desc.ServerStreams}, nil
	}
	return []grpc.DialOption{grpc.WithChainUnaryInterceptor(unary), grpc.WithChainStreamInterceptor(stream)}
}

// aliveStream is a stream that is given up when the coordinator hangs.
type aliveStream struct {
	grpc.ClientStream
	try  *try
	many bool // answers may come
}

func (s aliveStream) RecvMsg(m any) error {
	err := s.ClientStream.RecvMsg(m)
	if err == nil && s.many {
		return nil
	}
	if err != io.EOF {
		err = why(s.Context(), err)
	}
	s.try.end()
	return err
}
