package swarm

import (
	"errors"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// prober is a swarm that knows peers by their addresses.
func prober(t *testing.T) *Swarm {
	t.Helper()
	pool := newPool(namedCreds{insecure.NewCredentials()})
	t.Cleanup(func() { _ = pool.Close() })
	return newSwarm(t, Config{Dial: pool.Dial, Identify: func(a credentials.AuthInfo) (jobs.NodeID, jobs.Role, error) {
		return jobs.NodeID("node at " + a.(named).address), jobs.Worker, nil
	}})
}

func TestAProbeFindsLiars(t *testing.T) {
	for name, lie := range liars {
		if name == "frame too long" || name == "endless empty frames" {
			continue // more than a probe reads, which proves nothing
		}
		t.Run(name, func(t *testing.T) {
			s, data := prober(t), content(1, 8*piece)
			liar := serve(t, jobs.Worker).hold(t, data)
			lie(liar)
			p := liar.Provider
			p.Node = jobs.NodeID("node at " + p.Address)
			if err := s.Probe(deadline(t, 10*time.Second), blob.Of(data).ID(), p); !errors.Is(err, errLie) {
				t.Errorf("found %v", err)
			}
			select {
			case c := <-s.caught:
				if c.Node != p.Node || c.Blob != blob.Of(data).ID() {
					t.Errorf("reported %v", c)
				}
			default:
				t.Error("the liar is not reported")
			}
			if liar.reads.Load() > 1 {
				t.Errorf("%d pieces were asked for", liar.reads.Load())
			}
		})
	}
}

// What is no proof of a lie costs nobody anything.
func TestAProbeAcquitsOthers(t *testing.T) {
	data := content(2, 3*piece)
	for name, c := range map[string]struct {
		how  func(p *testPeer)
		node string // that is meant, if another
		want string
	}{
		"honest":       {func(*testPeer) {}, "", ""},
		"an impostor":  {func(*testPeer) {}, "a victim", "in the place of"},
		"has nothing":  {func(p *testPeer) { p.greet = func(r *anthillv1.ExchangeResponse) { r.Have = nil } }, "", "none of it"},
		"says nothing": {func(p *testPeer) { p.instead = hang }, "", "deadline"},
		"says too much": {func(p *testPeer) {
			p.instead = func(_ uint32, stream exchangeServer) error {
				for {
					if err := stream.Send(&anthillv1.ExchangeResponse{Gained: make([]uint32, 1<<16)}); err != nil {
						return err
					}
				}
			}
		}, "", "too much"},
		"lost it": {func(p *testPeer) {
			p.instead = func(piece uint32, stream exchangeServer) error {
				return stream.Send(&anthillv1.ExchangeResponse{Lacking: []uint32{piece}})
			}
		}, "", "not have the piece"},
	} {
		t.Run(name, func(t *testing.T) {
			s, peer := prober(t), serve(t, jobs.Worker).hold(t, data)
			c.how(peer)
			p := peer.Provider
			p.Node = jobs.NodeID("node at " + p.Address)
			if c.node != "" {
				p.Node = jobs.NodeID(c.node)
			}
			err := s.Probe(deadline(t, time.Second), blob.Of(data).ID(), p)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(strings.ToLower(err.Error()), c.want)) {
				t.Errorf("found %v, want %q", err, c.want)
			}
			if errors.Is(err, errLie) || len(s.caught) != 0 || s.refusals.count() != 0 {
				t.Errorf("it is refused for %v", err)
			}
		})
	}
}
