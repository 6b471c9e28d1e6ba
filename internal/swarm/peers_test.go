package swarm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// content makes n bytes that depend on seed.
func content(seed byte, n int) []byte {
	data := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(data)
	return data
}

func newStore(t testing.TB, cfg blobstore.Config) *blobstore.Store {
	t.Helper()
	cfg.Dir = t.TempDir()
	s, err := blobstore.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// testPeer serves pieces on loopback, honestly unless told otherwise.
type testPeer struct {
	anthillv1.PieceServiceServer
	Provider
	store     *blobstore.Store
	server    *grpc.Server
	greetings atomic.Int64 // Exchanges begun
	reads     atomic.Int64 // pieces and batches begun

	// How it misbehaves, if at all.
	greet   func(*anthillv1.ExchangeResponse)
	frame   func(*anthillv1.ExchangeResponse)
	hear    func(r *anthillv1.ExchangeRequest, stream exchangeServer)
	instead func(piece uint32, stream exchangeServer) error // of a piece
	small   func(*anthillv1.ReadBlobsResponse) error
}

// serve starts a peer; set its misbehaviour before anybody asks it.
func serve(t testing.TB, role jobs.Role) *testPeer {
	t.Helper()
	return serveOn(t, role, func(l net.Listener) net.Listener { return l })
}

// serveOn is serve behind a line.
func serveOn(t testing.TB, role jobs.Role, line func(net.Listener) net.Listener) *testPeer {
	t.Helper()
	p := &testPeer{store: newStore(t, blobstore.Config{}), server: grpc.NewServer()}
	p.PieceServiceServer = NewServer(ServerConfig{Store: p.store})
	anthillv1.RegisterPieceServiceServer(p.server, p)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.Provider = Provider{Address: listener.Addr().String(), Role: role}
	var wg sync.WaitGroup
	wg.Go(func() { _ = p.server.Serve(line(listener)) })
	t.Cleanup(func() {
		p.server.Stop()
		wg.Wait()
	})
	return p
}

type exchangeServer = grpc.BidiStreamingServer[anthillv1.ExchangeRequest, anthillv1.ExchangeResponse]

// errEnd ends an Exchange as if all were well.
var errEnd = errors.New("end")

// errHonest makes a peer send the piece after all.
var errHonest = errors.New("honest")

func (p *testPeer) Exchange(stream exchangeServer) error {
	p.greetings.Add(1)
	err := p.PieceServiceServer.Exchange(&editedExchange{stream, p})
	if errors.Is(err, errEnd) {
		return nil
	}
	return err
}

type editedExchange struct {
	exchangeServer
	peer *testPeer
}

func (s *editedExchange) Recv() (*anthillv1.ExchangeRequest, error) {
	r, err := s.exchangeServer.Recv()
	if err == nil && s.peer.hear != nil {
		s.peer.hear(r, s.exchangeServer)
	}
	return r, err
}

func (s *editedExchange) Send(r *anthillv1.ExchangeResponse) error {
	if len(r.GetManifest()) > 0 && s.peer.greet != nil {
		s.peer.greet(r)
	}
	if len(r.GetData()) > 0 {
		if r.GetOffset() == 0 {
			s.peer.reads.Add(1)
			if s.peer.instead != nil {
				if err := s.peer.instead(r.GetPiece(), s.exchangeServer); !errors.Is(err, errHonest) {
					return err
				}
			}
		}
		if s.peer.frame != nil {
			r.Data = bytes.Clone(r.GetData())
			s.peer.frame(r)
		}
	}
	return s.exchangeServer.Send(r)
}

func (p *testPeer) ReadBlobs(req *anthillv1.ReadBlobsRequest, stream grpc.ServerStreamingServer[anthillv1.ReadBlobsResponse]) error {
	p.reads.Add(1)
	if p.small != nil {
		stream = &editedBlobs{stream, p.small}
	}
	return p.PieceServiceServer.ReadBlobs(req, stream)
}

type editedBlobs struct {
	grpc.ServerStreamingServer[anthillv1.ReadBlobsResponse]
	edit func(*anthillv1.ReadBlobsResponse) error
}

func (s *editedBlobs) Send(r *anthillv1.ReadBlobsResponse) error {
	if err := s.edit(r); err != nil {
		return err
	}
	return s.ServerStreamingServer.Send(r)
}

// hold gives the peer some pieces of data, or all.
func (p *testPeer) hold(t testing.TB, data []byte, pieces ...int) *testPeer {
	t.Helper()
	if len(pieces) == 0 {
		if _, err := p.store.Put(data); err != nil {
			t.Fatal(err)
		}
		return p
	}
	m := blob.Of(data)
	err := p.store.Begin(m)
	for _, i := range pieces {
		err = errors.Join(err, p.store.WritePiece(m.ID(), i, data[m.PieceOffset(i):][:m.PieceLen(i)]))
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func providers(peers ...*testPeer) []Provider {
	var list []Provider
	for _, p := range peers {
		list = append(list, p.Provider)
	}
	return list
}

// newSwarm makes a swarm with an empty store and a dialer without TLS.
func newSwarm(t testing.TB, cfg Config) *Swarm {
	t.Helper()
	if cfg.Store == nil {
		cfg.Store = newStore(t, blobstore.Config{})
	}
	if cfg.Dial == nil {
		pool := newPool(insecure.NewCredentials())
		t.Cleanup(func() { _ = pool.Close() })
		cfg.Dial = pool.Dial
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// TestMain fails if any goroutine of the swarm or of its connections is left
// when all tests have closed what they opened.
func TestMain(m *testing.M) {
	code := m.Run()
	if left := leaked(5 * time.Second); left != "" && code == 0 {
		fmt.Fprintln(os.Stderr, "goroutines that did not end:\n"+left)
		code = 1
	}
	os.Exit(code)
}

// leaked gives goroutines for up to d the chance to end.
func leaked(d time.Duration) string {
	for end := time.Now().Add(d); ; time.Sleep(10 * time.Millisecond) {
		buf := make([]byte, 1<<20)
		var left []string
		for k, stack := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			if k > 0 && (strings.Contains(stack, "internal/swarm.") || strings.Contains(stack, "google.golang.org/grpc")) {
				left = append(left, stack)
			}
		}
		if len(left) == 0 || time.Now().After(end) {
			return strings.Join(left, "\n\n")
		}
	}
}

// mustHold checks that the swarm's store has the blob, byte by byte.
func mustHold(t *testing.T, s *Swarm, data []byte) {
	t.Helper()
	got, err := s.cfg.Store.ReadRange(blob.Of(data).ID(), 0, -1)
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("store has %d of %d bytes, %v", len(got), len(data), err)
	}
}

func deadline(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// namedCreds is authentication for tests: the address is the name.
type namedCreds struct {
	credentials.TransportCredentials
}

type named struct {
	credentials.CommonAuthInfo
	address string
}

func (named) AuthType() string { return "named" }

func (c namedCreds) ClientHandshake(ctx context.Context, authority string, conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, _, err := c.TransportCredentials.ClientHandshake(ctx, authority, conn)
	return conn, named{address: authority}, err
}

func (c namedCreds) Clone() credentials.TransportCredentials { return c }

// discard is a server stream that goes nowhere.
type discard[T any] struct {
	grpc.ServerStream
	ctx  context.Context
	sent []*T
}

func (d *discard[T]) Send(m *T) error              { d.sent = append(d.sent, m); return nil }
func (d *discard[T]) Context() context.Context     { return d.ctx }
func (d *discard[T]) SetHeader(metadata.MD) error  { return nil }
func (d *discard[T]) SendHeader(metadata.MD) error { return nil }
func (d *discard[T]) SetTrailer(metadata.MD)       {}
