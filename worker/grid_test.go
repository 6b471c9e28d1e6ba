package worker

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/gridconn"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/worker/limits"
)

var lent = limits.Lent{Slots: 1, Disk: 64 << 20}

type results = grpc.ServerStreamingServer[anthillv1.StreamResultsResponse]

// grid certifies nodes.
type grid struct {
	testing.TB
	authority *identity.Authority
	dir       string
}

func newGrid(t *testing.T) *grid {
	t.Helper()
	a, err := identity.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	return &grid{t, a, t.TempDir()}
}

func (g *grid) issue(role jobs.Role) *identity.Identity {
	g.Helper()
	key, err := identity.NewKey()
	if err != nil {
		g.Fatal(err)
	}
	der, err := g.authority.Issue(key.Public(), role, nil)
	if err != nil {
		g.Fatal(err)
	}
	id, err := identity.New(key, der, g.authority.Certificate())
	if err != nil {
		g.Fatal(err)
	}
	return id
}

// directory is that of a worker who has joined.
func (g *grid) directory(name string) string {
	g.Helper()
	d := identity.Directory{
		Identity: g.issue(jobs.Worker), Owner: name, Coordinators: []string{"127.0.0.1:1"},
	}
	dir := filepath.Join(g.dir, name)
	if err := d.Save(dir); err != nil {
		g.Fatal(err)
	}
	return dir
}

// server is a real worker that only serves pieces.
type server struct {
	*Worker
	testing.TB
}

func (g *grid) worker(dir string) *server { return g.lending(dir, lent) }

func (g *grid) lending(dir string, lent limits.Lent) *server {
	g.Helper()
	w, err := New(g.Context(), Config{
		Dir: dir, Listen: "127.0.0.1:0", Lent: lent, SandboxCommand: []string{"unused"}, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		g.Fatal(err)
	}
	go w.pieces.Serve(w.base.Listener)
	s := &server{w, g.TB}
	g.Cleanup(func() { s.end() })
	return s
}

// end stops the worker; again is no harm.
func (s *server) end() {
	s.Helper()
	if s.Worker == nil {
		return
	}
	if err := s.stop(); err != nil {
		s.Error(err)
	}
	s.Worker = nil
}

// holds keeps a small result as after a report.
func (s *server) holds(output []byte) blob.ID {
	s.keep([]*anthillv1.AttemptReport{{Data: output}})
	return blob.Of(output).ID()
}

func (s *server) provider() []swarm.Provider {
	return []swarm.Provider{{Address: s.Address(), Role: jobs.Worker}}
}

// coordinator serves these jobs and nothing else.
func (g *grid) coordinator(jobService anthillv1.JobServiceServer) (address string) {
	g.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		g.Fatal(err)
	}
	s := grpc.NewServer(append(gridconn.ServerOptions(), grpc.Creds(identity.ServerCredentials(g.issue(jobs.Coordinator), identity.Handover{})))...)
	anthillv1.RegisterJobServiceServer(s, jobService)
	go s.Serve(l)
	g.Cleanup(s.Stop)
	return l.Addr().String()
}

// reader is a node that asks others for blobs.
type reader struct {
	testing.TB
	grid    *grid
	id      *identity.Identity
	pool    *swarm.Pool
	granted bool // it shows coordinators' words
}

// grant is a coordinator's word that the reader may read a blob, if it shows such.
func (r *reader) grant(id blob.ID) []byte {
	if !r.granted {
		return nil
	}
	return r.grid.authority.Grant(r.id.Node(), id, time.Now().Add(time.Hour))
}

func (g *grid) reader(role jobs.Role) *reader {
	id := g.issue(role)
	pool := swarm.NewDialer(id.ClientTLS(nil, identity.ProtoGRPC))
	g.Cleanup(func() { pool.Close() })
	return &reader{TB: g.TB, grid: g, id: id, pool: pool}
}

// gets says whether a worker sends a blob, asked in both ways: these must
// agree, and who gets nothing must not learn whether there is something.
func (r *reader) gets(from *server, data []byte) bool {
	r.Helper()
	conn, err := r.pool.Dial(r.Context(), swarm.Provider{Address: from.Address()})
	if err != nil {
		r.Fatal(err)
	}
	client := anthillv1.NewPieceServiceClient(conn)
	id := blob.Of(data).ID()
	read, errRead := r.read(client, id)
	small := len(data) > blob.MinPiece || bytes.Equal(r.readBlob(client, id), data)
	if (errRead == nil) != (len(read) > 0) || (errRead == nil) != small && len(data) <= blob.MinPiece {
		r.Errorf("exchange: %v, read %d bytes, read as a small one: %v", errRead, len(read), small)
	}
	_, errUnknown := r.read(client, blob.Of(append([]byte("not "), data...)).ID())
	if errRead != nil && status.Code(errRead) != status.Code(errUnknown) {
		r.Errorf("a blob that is not there gives %v, one that is hidden %v", errUnknown, errRead)
	}
	return errRead == nil
}

// read gets the first bytes of a blob.
func (r *reader) read(client anthillv1.PieceServiceClient, id blob.ID) ([]byte, error) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	stream, err := client.Exchange(ctx)
	if err != nil {
		return nil, err
	}
	err = stream.Send(&anthillv1.ExchangeRequest{Blob: id[:], Ask: []uint32{0}, Grant: r.grant(id)})
	for {
		resp, recvErr := stream.Recv()
		if err = errors.Join(err, recvErr); err != nil || len(resp.GetData()) > 0 {
			return resp.GetData(), recvErr
		}
	}
}

func (r *reader) readBlob(client anthillv1.PieceServiceClient, id blob.ID) []byte {
	stream, err := client.ReadBlobs(r.Context(), &anthillv1.ReadBlobsRequest{Blobs: [][]byte{id[:]}, Grants: [][]byte{r.grant(id)}})
	if err != nil {
		r.Fatal(err)
	}
	resp, err := stream.Recv()
	if err != nil {
		r.Fatal(err)
	}
	return resp.GetData()
}
