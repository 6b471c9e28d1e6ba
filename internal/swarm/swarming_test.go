package swarm

import (
	"net"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/internal/throttle"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// node is a peer that downloads and serves.
type swarmNode struct {
	Provider
	swarm *Swarm
}

func newNode(t testing.TB) *swarmNode {
	t.Helper()
	return newNodeOn(t, throttle.New(throttle.Limits{}, nil), nil)
}

// newNodeOn makes a node with a line of its own.
func newNodeOn(t testing.TB, line *throttle.Line, spent func() error) *swarmNode {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	pool := newPool(insecure.NewCredentials())
	pool.options = []grpc.DialOption{grpc.WithContextDialer(line.Dial)}
	store := newStore(t, blobstore.Config{})
	n := &swarmNode{Provider: Provider{Address: listener.Addr().String(), Role: jobs.Submitter}}
	n.swarm = newSwarm(t, Config{Store: store, Dial: pool.Dial, Self: n.Address, Spent: spent})
	server := grpc.NewServer()
	anthillv1.RegisterPieceServiceServer(server, NewServer(ServerConfig{Store: store, Swarm: n.swarm}))
	var wg sync.WaitGroup
	wg.Go(func() { _ = server.Serve(line.Listen(listener)) })
	t.Cleanup(func() {
		server.Stop()
		wg.Wait()
		_ = pool.Close()
	})
	return n
}

// Peers that know nobody but one seed find each other, and the seed sends little
// more than one copy.
func TestPeersOfOneSeedServeEachOther(t *testing.T) {
	data := content(40, 64*piece)
	id := blob.Of(data).ID()
	seed := newNode(t)
	if _, err := seed.swarm.cfg.Store.Put(data); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var all []*swarmNode
	for range 6 {
		n := newNode(t)
		all = append(all, n)
		wg.Go(func() {
			if _, err := n.swarm.Fetch(deadline(t, 60*time.Second), id, 0, -1, []Provider{seed.Provider}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	var received, stored int64
	for _, n := range all {
		mustHold(t, n.swarm, data)
		received += n.swarm.received.Load()
		stored += n.swarm.stored.Load()
	}
	t.Logf("received %d of %d pieces", received/piece, stored/piece)
	if received > stored*11/10 {
		t.Errorf("received %d pieces for %d", received/piece, stored/piece)
	}
}
