package keeper

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/internal/lab/voter"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/internal/throttle"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// keeping is a keeper of c1 with peers on loopback.
type keeping struct {
	*Keeper
	lab      *voter.Voter
	workers  []swarm.Provider // in the order in which they were started
	confirms atomic.Int32
	failing  atomic.Int32    // confirmations that are to fail
	held     []jobs.Sequence // sequences that were confirmed
}

func newKeeping(l *voter.Voter, store *blobstore.Store) *keeping {
	l.Helper()
	k := &keeping{lab: l}
	dialer := &dialer{conns: map[string]*grpc.ClientConn{}}
	sw, err := swarm.New(swarm.Config{Store: store, Dial: dialer.dial, Patience: 300 * time.Millisecond})
	if err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() {
		sw.Close()
		dialer.close()
	})
	k.Keeper = New(Config{
		Node: "c1", Replica: l.Replica, Store: store, Swarm: sw, Logger: voter.Quiet, Confirm: k.note,
		Workers: k.places,
		Spent:   func() error { return nil },
	})
	return k
}

func (k *keeping) places(context.Context) map[jobs.NodeID]string {
	list := map[jobs.NodeID]string{}
	for _, w := range k.workers {
		list[w.Node] = w.Address
	}
	return list
}

// keepInputs has a look at all that is to be held.
func (k *keeping) keepInputs(ctx context.Context, copies *sync.WaitGroup) {
	k.keepJobs(ctx, copies)
	k.keepDatasets(ctx, copies)
}

// has are outputs that came to the coordinator with reports.
func (k *keeping) has(outputs ...string) {
	k.lab.Helper()
	var all [][]byte
	for _, s := range outputs {
		all = append(all, []byte(s))
	}
	if err := k.Store(all); err != nil {
		k.lab.Fatal(err)
	}
}

func (k *keeping) note(ctx context.Context, c jobs.ConfirmHeld) error {
	if k.failing.Add(-1) >= 0 {
		return context.DeadlineExceeded
	}
	k.confirms.Add(1)
	for _, h := range c.Results {
		if c.Lost {
			break
		}
		k.held = append(k.held, h.Sequences...)
	}
	_, err := k.lab.Propose(ctx, jobs.Command{At: jobs.TimeOf(time.Now()), Confirm: &c})
	return err
}

// peer starts a peer that is heard of. It has nothing yet.
func (k *keeping) peer(id jobs.NodeID) *blobstore.Store {
	k.lab.Helper()
	return k.peerOn(id, throttle.Limits{})
}

// peerOn is peer behind a line.
func (k *keeping) peerOn(id jobs.NodeID, line throttle.Limits) *blobstore.Store {
	k.lab.Helper()
	store := openStore(k.lab, k.lab.TempDir())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		k.lab.Fatal(err)
	}
	server := grpc.NewServer()
	anthillv1.RegisterPieceServiceServer(server, swarm.NewServer(swarm.ServerConfig{Store: store}))
	go server.Serve(throttle.New(line, nil).Listen(listener))
	k.lab.Cleanup(server.Stop)
	k.workers = append(k.workers, swarm.Provider{Node: id, Address: listener.Addr().String()})
	return store
}

func openStore(t testing.TB, dir string) *blobstore.Store {
	t.Helper()
	s, err := blobstore.Open(blobstore.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func put(t testing.TB, s *blobstore.Store, data []byte) blob.Ref {
	t.Helper()
	ref, err := s.Put(data)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

type dialer struct {
	mu    sync.Mutex
	conns map[string]*grpc.ClientConn
}

func (d *dialer) dial(_ context.Context, address string) (grpc.ClientConnInterface, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conns[address] == nil {
		c, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			return nil, err
		}
		d.conns[address] = c
	}
	return d.conns[address], nil
}

func (d *dialer) close() {
	for _, c := range d.conns {
		c.Close()
	}
}
