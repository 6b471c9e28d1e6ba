package swarm

import (
	"bytes"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

func flipByte(f *anthillv1.ExchangeResponse) { f.Data[len(f.Data)/2] ^= 1 }

// liars are the ways in which a peer can send what no honest one does.
var liars = map[string]func(p *testPeer){
	"wrong bytes":    func(p *testPeer) { p.frame = flipByte },
	"wrong manifest": func(p *testPeer) { p.greet = func(r *anthillv1.ExchangeResponse) { r.Manifest[20] ^= 1 } },
	"other manifest": func(p *testPeer) {
		p.greet = func(r *anthillv1.ExchangeResponse) { r.Manifest = blob.Of(nil).Encode() }
	},
	"huge manifest":      func(p *testPeer) { p.greet = func(r *anthillv1.ExchangeResponse) { r.Manifest = make([]byte, 2<<20) } },
	"no manifest":        func(p *testPeer) { p.greet = func(r *anthillv1.ExchangeResponse) { r.Manifest = nil } },
	"other piece":        func(p *testPeer) { p.frame = func(f *anthillv1.ExchangeResponse) { f.Piece++ } },
	"frame out of order": func(p *testPeer) { p.frame = func(f *anthillv1.ExchangeResponse) { f.Offset += 7 } },
	"frame too long":     func(p *testPeer) { p.frame = func(f *anthillv1.ExchangeResponse) { f.Data = make([]byte, 3<<20) } },
	"endless empty frames": func(p *testPeer) {
		p.instead = func(piece uint32, stream exchangeServer) error {
			for {
				if err := stream.Send(&anthillv1.ExchangeResponse{Piece: piece}); err != nil {
					return err
				}
			}
		}
	},
}

func TestLiarIsRefusedAndNeverAskedAgain(t *testing.T) {
	for name, lie := range liars {
		t.Run(name, func(t *testing.T) {
			s := newSwarm(t, Config{})
			data, other := content(1, 8*piece), content(2, 2*piece)
			liar := serve(t, jobs.Worker).hold(t, data).hold(t, other)
			lie(liar)
			honest := serve(t, jobs.Submitter).hold(t, data).hold(t, other)
			if _, err := s.Fetch(deadline(t, 20*time.Second), blob.Of(data).ID(), 0, -1, providers(liar, honest)); err != nil {
				t.Fatal(err)
			}
			mustHold(t, s, data)
			if !s.refusals.has("", liar.Address) || s.refusals.has("", honest.Address) {
				t.Error("the liar is not refused, or the honest peer is")
			}
			greetings, reads := liar.greetings.Load(), liar.reads.Load()
			if reads > outstandingAsked {
				t.Errorf("the liar was asked for %d pieces", reads)
			}
			if _, err := s.Fetch(deadline(t, 20*time.Second), blob.Of(other).ID(), 0, -1, providers(liar, honest)); err != nil {
				t.Fatal(err)
			}
			if liar.greetings.Load() != greetings || liar.reads.Load() != reads {
				t.Error("the liar was asked again")
			}
		})
	}
}

func TestOnlyALiarIsAsGoodAsNobody(t *testing.T) {
	s := newSwarm(t, Config{Patience: time.Minute})
	data := content(3, 3*piece)
	liar := serve(t, jobs.Worker).hold(t, data)
	liar.frame = flipByte
	_, err := s.Fetch(deadline(t, 20*time.Second), blob.Of(data).ID(), 0, -1, providers(liar))
	if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "refused since it sent wrong bytes") {
		t.Errorf("got %v", err)
	}
	if _, have, _ := s.cfg.Store.Have(blob.Of(data).ID()); have.Count() > 0 {
		t.Errorf("%d pieces were stored", have.Count())
	}
}

// A liar that is known as a node cannot come back under another address.
func TestRefusalGoesByNode(t *testing.T) {
	pool := newPool(namedCreds{insecure.NewCredentials()})
	s := newSwarm(t, Config{Patience: time.Second, Dial: pool.Dial, Identify: func(credentials.AuthInfo) (jobs.NodeID, jobs.Role, error) {
		return "mallory", jobs.Worker, nil
	}})
	t.Cleanup(func() { _ = pool.Close() })
	data := content(4, 2*piece)
	liar, again := serve(t, jobs.Worker).hold(t, data), serve(t, jobs.Worker).hold(t, data)
	liar.frame = flipByte
	for _, p := range []*testPeer{liar, again} {
		if _, err := s.Fetch(deadline(t, 20*time.Second), blob.Of(data).ID(), 0, -1, providers(p)); !errors.Is(err, ErrUnavailable) {
			t.Errorf("%s: %v", p.Address, err)
		}
	}
	if n := again.reads.Load(); n > 0 {
		t.Errorf("under its other address it was asked for %d pieces", n)
	}
}

// hinder gives the ways in which a peer can be of no use without lying.
var hinder = map[string]func(p *testPeer){
	"hangs in a piece": func(p *testPeer) { p.instead = hang },
	"drips": func(p *testPeer) {
		p.instead = func(piece uint32, stream exchangeServer) error {
			for k := uint32(0); ; k++ {
				if err := stream.Send(&anthillv1.ExchangeResponse{Piece: piece, Offset: k, Data: []byte{0}}); err != nil {
					return err
				}
				select {
				case <-time.After(time.Second):
				case <-stream.Context().Done():
					return stream.Context().Err()
				}
			}
		}
	},
	"has all and gives nothing": func(p *testPeer) {
		p.instead = func(uint32, exchangeServer) error {
			return status.Error(codes.NotFound, "not here")
		}
	},
	"ends too early": func(p *testPeer) {
		p.instead = func(uint32, exchangeServer) error { return errEnd }
	},
	"hangs before it greets": func(p *testPeer) { p.greet = func(*anthillv1.ExchangeResponse) { time.Sleep(4 * time.Second) } },
}

func TestUselessPeerCostsTwoSecondsAtMost(t *testing.T) {
	for name, how := range hinder {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSwarm(t, Config{})
			data := content(5, 12*piece)
			useless, honest := serve(t, jobs.Worker).hold(t, data), serve(t, jobs.Submitter).hold(t, data)
			how(useless)
			began := time.Now()
			if _, err := s.Fetch(deadline(t, 20*time.Second), blob.Of(data).ID(), 0, -1, providers(useless, honest)); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took > 3*time.Second {
				t.Errorf("took %v", took)
			}
			mustHold(t, s, data)
			if s.refusals.has("", useless.Address) {
				t.Error("it is refused, though it told no lie")
			}
		})
	}
}

func TestProviderDiesHalfWay(t *testing.T) {
	s := newSwarm(t, Config{})
	data := content(6, 30*piece)
	dying, other := serve(t, jobs.Worker).hold(t, data), serve(t, jobs.Submitter).hold(t, data)
	dying.instead = func(_ uint32, stream exchangeServer) error {
		if dying.reads.Load() == 10 {
			go dying.server.Stop()
			<-stream.Context().Done()
			return stream.Context().Err()
		}
		return errHonest
	}
	tr, err := s.Fetch(deadline(t, 20*time.Second), blob.Of(data).ID(), 0, -1, providers(dying, other))
	if err != nil || tr[jobs.Submitter] == 0 || tr[jobs.Worker] == 0 {
		t.Fatalf("traffic %v, %v", tr, err)
	}
	mustHold(t, s, data)
}

// A peer that hangs up when nearly all of a piece has come costs that piece.
func TestPeerHangsUpAt99Percent(t *testing.T) {
	s := newSwarm(t, Config{})
	data := content(8, 20*piece)
	dying, other := serve(t, jobs.Worker).hold(t, data), serve(t, jobs.Submitter).hold(t, data)
	hung := atomic.Bool{}
	dying.instead = func(i uint32, stream exchangeServer) error {
		if dying.reads.Load() < 10 {
			return errHonest
		}
		hung.Store(true)
		defer func() { go dying.server.Stop() }()
		for off := 0; off < piece*99/100; off += frameSize {
			part := data[int(i)*piece+off:][:min(frameSize, piece*99/100-off)]
			if err := stream.Send(&anthillv1.ExchangeResponse{Piece: i, Offset: uint32(off), Data: part}); err != nil {
				return err
			}
		}
		return errEnd
	}
	began := time.Now()
	if _, err := s.Fetch(deadline(t, 20*time.Second), blob.Of(data).ID(), 0, -1, providers(dying, other)); err != nil {
		t.Fatal(err)
	}
	if !hung.Load() {
		t.Fatal("it did not come so far")
	}
	mustHold(t, s, data)
	if wasted := s.received.Load() - s.stored.Load(); wasted > piece || time.Since(began) > 3*time.Second {
		t.Errorf("wasted %d bytes, a piece has %d; took %v", wasted, piece, time.Since(began))
	}
}

func TestALoneSilentProviderIsGivenUp(t *testing.T) {
	s := newSwarm(t, Config{Patience: 500 * time.Millisecond})
	data := content(7, 2*piece)
	p := serve(t, jobs.Worker).hold(t, data)
	p.instead = hang
	if _, err := s.Fetch(deadline(t, 20*time.Second), blob.Of(data).ID(), 0, -1, providers(p)); !errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

// A node that answers at another's address does not learn what was to be asked there.
func TestOnlyTheNodeThatIsMeantIsAsked(t *testing.T) {
	pool := newPool(namedCreds{insecure.NewCredentials()})
	t.Cleanup(func() { _ = pool.Close() })
	s := newSwarm(t, Config{Dial: pool.Dial, Patience: 300 * time.Millisecond, Identify: func(a credentials.AuthInfo) (jobs.NodeID, jobs.Role, error) {
		return jobs.NodeID("node at " + a.(named).address), jobs.Worker, nil
	}})
	data := content(30, 100)
	id := blob.Of(data).ID()
	p := serve(t, jobs.Worker).hold(t, data)
	meant, other := p.Provider, p.Provider
	meant.Node, other.Node = jobs.NodeID("node at "+p.Address), "a victim"
	_, err := s.Fetch(deadline(t, 10*time.Second), id, 0, -1, []Provider{other})
	if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "answers in the place of node a victim") {
		t.Errorf("fetch from an impostor: %v", err)
	}
	if got, _, err := s.FetchSmall(deadline(t, 10*time.Second), []blob.ID{id}, []Provider{other}); err != nil || got[0] != nil {
		t.Errorf("got %d bytes, %v", len(got[0]), err)
	}
	if p.greetings.Load()+p.reads.Load() != 0 || s.refusals.has(meant.Node, p.Address) {
		t.Error("an impostor is asked, or is refused for what it did not do")
	}
	if got, _, err := s.FetchSmall(deadline(t, 10*time.Second), []blob.ID{id}, []Provider{other, meant}); err != nil || !bytes.Equal(got[0], data) {
		t.Errorf("got %d bytes of the right node, %v", len(got[0]), err)
	}
	if _, err := s.Fetch(deadline(t, 10*time.Second), id, 0, -1, []Provider{other, meant}); err != nil {
		t.Errorf("fetch from the right node: %v", err)
	}
}
