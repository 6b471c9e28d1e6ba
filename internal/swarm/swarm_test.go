package swarm

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/jobs"
)

const piece = blob.MinPiece

func total(tr Traffic) (n int64) {
	for _, bytes := range tr {
		n += bytes
	}
	return n
}

func TestFetchFromSeveralAtOnce(t *testing.T) {
	s := newSwarm(t, Config{})
	data := content(1, 24*piece+100)
	a, b, c := serve(t, jobs.Worker).hold(t, data), serve(t, jobs.Worker).hold(t, data), serve(t, jobs.Worker).hold(t, data)
	tr, err := s.Fetch(deadline(t, 20*time.Second), blob.Of(data).ID(), 0, -1, providers(a, b, c))
	if err != nil || tr[jobs.Worker] != int64(len(data)) {
		t.Fatalf("traffic %v, %v", tr, err)
	}
	mustHold(t, s, data)
	for _, p := range []*testPeer{a, b, c} {
		if p.reads.Load() < 3 {
			t.Errorf("%s sent %d pieces of 25", p.Address, p.reads.Load())
		}
	}
	if n := a.reads.Load() + b.reads.Load() + c.reads.Load(); n != 25 {
		t.Errorf("%d requests for 25 pieces", n)
	}
}

func TestSizes(t *testing.T) {
	s := newSwarm(t, Config{})
	p := serve(t, jobs.Worker)
	for k, n := range []int{0, 1, piece, piece + 1} {
		data := content(byte(k), n)
		p.hold(t, data)
		if tr, err := s.Fetch(deadline(t, 10*time.Second), blob.Of(data).ID(), 0, -1, providers(p)); err != nil || total(tr) != int64(n) {
			t.Errorf("%d bytes: %v, %v", n, tr, err)
		}
		mustHold(t, s, data)
	}
}

func TestOnlyTheRangeIsFetched(t *testing.T) {
	s := newSwarm(t, Config{})
	data := content(2, 10*piece)
	id := blob.Of(data).ID()
	p := serve(t, jobs.Coordinator).hold(t, data)
	tr, err := s.Fetch(deadline(t, 10*time.Second), id, 3*piece+5, piece, providers(p))
	if err != nil || tr[jobs.Coordinator] != 2*piece {
		t.Fatalf("traffic %v, %v", tr, err)
	}
	_, have, _ := s.cfg.Store.Have(id)
	if have.Count() != 2 || !have.Has(3) || !have.Has(4) {
		t.Errorf("have %08b", []byte(have))
	}
	if tr, err = s.Fetch(context.Background(), id, 3*piece, 7, nil); err != nil || total(tr) != 0 {
		t.Errorf("what is there needs nobody: %v, %v", tr, err)
	}
}

func TestPeersThatLackPiecesComplementEachOther(t *testing.T) {
	s := newSwarm(t, Config{})
	data := content(3, 6*piece)
	a, b := serve(t, jobs.Worker).hold(t, data, 0, 1, 2), serve(t, jobs.Worker).hold(t, data, 2, 3, 4)
	c := serve(t, jobs.Submitter).hold(t, data)
	empty := serve(t, jobs.Worker)
	tr, err := s.Fetch(deadline(t, 10*time.Second), blob.Of(data).ID(), 0, -1, providers(a, b, c, empty))
	if err != nil || total(tr) != 6*piece || tr[jobs.Submitter] == 0 {
		t.Fatalf("traffic %v, %v", tr, err)
	}
	mustHold(t, s, data)
}

// A peer that gains pieces while it is watched is asked again.
func TestPiecesThatAppearLater(t *testing.T) {
	s := newSwarm(t, Config{})
	data := content(4, 3*piece)
	p := serve(t, jobs.Worker).hold(t, data, 0)
	time.AfterFunc(300*time.Millisecond, func() { p.hold(t, data, 1, 2) })
	if _, err := s.Fetch(deadline(t, 10*time.Second), blob.Of(data).ID(), 0, -1, providers(p)); err != nil {
		t.Fatal(err)
	}
	mustHold(t, s, data)
}

func TestNobodyHasIt(t *testing.T) {
	s := newSwarm(t, Config{Patience: 300 * time.Millisecond})
	data := content(5, 4*piece)
	id := blob.Of(data).ID()
	empty, part := serve(t, jobs.Worker), serve(t, jobs.Worker).hold(t, data, 1)
	gone := Provider{Address: "127.0.0.1:1"}
	for _, c := range []struct {
		from []Provider
		want string
	}{
		{nil, "its manifest is missing: no peer was named"},
		{providers(empty), "its manifest is missing: " + empty.Address + " does not have it"},
		{[]Provider{gone}, "its manifest is missing: 127.0.0.1:1 "},
		{providers(part), "3 of 4 pieces are missing: "},
	} {
		_, err := s.Fetch(deadline(t, 10*time.Second), id, 0, -1, c.from)
		if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
		s.forgetPeers(t)
	}
}

// forgetPeers waits until no download lingers.
func (s *Swarm) forgetPeers(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		s.mu.Lock()
		n := len(s.downloads)
		s.mu.Unlock()
		if n == 0 {
			return
		}
	}
	t.Fatal("downloads linger for more than 5 seconds")
}

func TestManyFetchesOfOneBlobShareTheTransfers(t *testing.T) {
	s := newSwarm(t, Config{})
	data := content(6, 8*piece)
	p := serve(t, jobs.Worker).hold(t, data)
	var wg sync.WaitGroup
	var mu sync.Mutex
	sum := make(Traffic)
	for k := range 16 {
		wg.Go(func() {
			tr, err := s.Fetch(deadline(t, 20*time.Second), blob.Of(data).ID(), int64(k%4)*piece, -1, providers(p))
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			sum.Add(tr)
		})
	}
	wg.Wait()
	if sum[jobs.Worker] != 8*piece || p.reads.Load() != 8 {
		t.Errorf("traffic %v in %d reads, want each of 8 pieces once", sum, p.reads.Load())
	}
	mustHold(t, s, data)
}

func TestQuickFetchesShareAnExchange(t *testing.T) {
	s := newSwarm(t, Config{})
	data := content(7, 20*piece)
	p := serve(t, jobs.Worker).hold(t, data)
	for k := range int64(20) {
		if _, err := s.Fetch(deadline(t, 10*time.Second), blob.Of(data).ID(), k*piece, piece, providers(p)); err != nil {
			t.Fatal(err)
		}
	}
	if n := p.greetings.Load(); n > 1 {
		t.Errorf("%d Exchanges for 20 quick fetches", n)
	}
}

// A download that lingers must not take what the store has lost for present.
func TestDeletedBlobIsFetchedAnew(t *testing.T) {
	s := newSwarm(t, Config{})
	data := content(16, 5*piece)
	id := blob.Of(data).ID()
	p := serve(t, jobs.Worker).hold(t, data)
	for range 3 {
		tr, err := s.Fetch(deadline(t, 10*time.Second), id, 0, -1, providers(p))
		if err != nil || total(tr) != 5*piece {
			t.Fatalf("traffic %v, %v", tr, err)
		}
		mustHold(t, s, data)
		if err := s.cfg.Store.Delete(id); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWorkersSpareTheSubmitter(t *testing.T) {
	s := newSwarm(t, Config{})
	data := content(8, 40*piece)
	submitter, worker := serve(t, jobs.Submitter).hold(t, data), serve(t, jobs.Worker).hold(t, data)
	id := blob.Of(data).ID()
	// The first piece makes both known.
	if _, err := s.Fetch(deadline(t, 10*time.Second), id, 0, 1, providers(submitter, worker)); err != nil {
		t.Fatal(err)
	}
	tr, err := s.Fetch(deadline(t, 30*time.Second), id, 0, -1, nil)
	if err != nil || tr[jobs.Submitter] > tr[jobs.Worker]/2 {
		t.Errorf("traffic %v, %v", tr, err)
	}
}

func TestCancel(t *testing.T) {
	s := newSwarm(t, Config{Patience: time.Minute})
	data := content(9, 2*piece)
	p := serve(t, jobs.Worker).hold(t, data)
	p.instead = hang
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(100*time.Millisecond, cancel)
	if _, err := s.Fetch(ctx, blob.Of(data).ID(), 0, -1, providers(p)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestCloseEndsFetches(t *testing.T) {
	s := newSwarm(t, Config{Patience: time.Minute})
	data := content(10, 2*piece)
	p := serve(t, jobs.Worker).hold(t, data)
	p.instead = hang
	time.AfterFunc(100*time.Millisecond, func() { _ = s.Close() })
	if _, err := s.Fetch(context.Background(), blob.Of(data).ID(), 0, -1, providers(p)); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
	if _, err := s.Fetch(context.Background(), blob.Of(data).ID(), 0, -1, providers(p)); !errors.Is(err, ErrClosed) {
		t.Errorf("after the close: %v", err)
	}
}

func hang(_ uint32, stream exchangeServer) error {
	<-stream.Context().Done()
	return status.FromContextError(stream.Context().Err()).Err()
}

func TestFullStoreIsNobodysFault(t *testing.T) {
	data := content(11, 8*piece)
	s := newSwarm(t, Config{Store: newStore(t, blobstore.Config{Quota: 3 * piece})})
	p := serve(t, jobs.Worker).hold(t, data)
	_, err := s.Fetch(deadline(t, 10*time.Second), blob.Of(data).ID(), 0, -1, providers(p))
	if !errors.Is(err, blobstore.ErrFull) {
		t.Errorf("got %v", err)
	}
	if s.refusals.has("", p.Address) {
		t.Error("the peer is refused")
	}
}

// The role that the connection proves counts, not what the provider list says.
func TestTrafficGoesByAuthenticatedRole(t *testing.T) {
	pool := newPool(namedCreds{insecure.NewCredentials()})
	s := newSwarm(t, Config{Dial: pool.Dial, Identify: func(a credentials.AuthInfo) (jobs.NodeID, jobs.Role, error) {
		return jobs.NodeID("node at " + a.(named).address), jobs.Worker, nil
	}})
	t.Cleanup(func() { _ = pool.Close() })
	data := content(12, 2*piece)
	p := serve(t, jobs.Submitter).hold(t, data)
	tr, err := s.Fetch(deadline(t, 10*time.Second), blob.Of(data).ID(), 0, -1, providers(p))
	if err != nil || tr[jobs.Worker] != 2*piece {
		t.Errorf("traffic %v, %v", tr, err)
	}
}

func TestSelfIsNotAsked(t *testing.T) {
	data := content(13, 10)
	p := serve(t, jobs.Worker).hold(t, data)
	s := newSwarm(t, Config{Self: p.Address})
	if _, err := s.Fetch(deadline(t, 10*time.Second), blob.Of(data).ID(), 0, -1, providers(p)); !errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	got, _, err := s.FetchSmall(context.Background(), []blob.ID{blob.Of(data).ID()}, providers(p))
	if err != nil || got[0] != nil {
		t.Errorf("small: %v, %v", got, err)
	}
}

func TestNewRefusesBadConfig(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("no error")
	}
}

// A node that fetches serves what it has already got.
func TestChainOfPeers(t *testing.T) {
	data := content(14, 12*piece)
	id := blob.Of(data).ID()
	seed, middle := serve(t, jobs.Submitter).hold(t, data), serve(t, jobs.Worker)
	relay, last := newSwarm(t, Config{Store: middle.store}), newSwarm(t, Config{})
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := relay.Fetch(deadline(t, 20*time.Second), id, 0, -1, providers(seed)); err != nil {
			t.Error(err)
		}
	})
	tr, err := last.Fetch(deadline(t, 20*time.Second), id, 0, -1, providers(middle))
	wg.Wait()
	if err != nil || tr[jobs.Worker] != 12*piece {
		t.Errorf("traffic %v, %v", tr, err)
	}
	mustHold(t, last, data)
}

func TestBrokenPeerIsTriedAgain(t *testing.T) {
	s := newSwarm(t, Config{})
	data := content(15, 4*piece)
	p := serve(t, jobs.Worker).hold(t, data)
	p.instead = func(uint32, exchangeServer) error {
		if p.reads.Load()%3 == 1 {
			return status.Error(codes.Canceled, "no")
		}
		return errHonest
	}
	if _, err := s.Fetch(deadline(t, 20*time.Second), blob.Of(data).ID(), 0, -1, providers(p)); err != nil {
		t.Fatal(err)
	}
	mustHold(t, s, data)
}

// napping is an event for which the download stands still.
type napping time.Duration

func (ev napping) apply(*download) { time.Sleep(time.Duration(ev)) }

// Who wakes has not waited meanwhile: a Fetch has its whole patience again.
func TestAStandstillUsesUpNoPatience(t *testing.T) {
	s := newSwarm(t, Config{Dial: func(ctx context.Context, _ Provider) (grpc.ClientConnInterface, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}, Patience: time.Second})
	start := time.Now()
	time.AfterFunc(100*time.Millisecond, func() { s.notify(blob.ID{1}, napping(3*time.Second)) })
	_, err := s.Fetch(t.Context(), blob.ID{1}, 0, -1, []Provider{{Address: "h:1"}})
	if took := time.Since(start); !errors.Is(err, ErrUnavailable) || took < 3900*time.Millisecond {
		t.Errorf("gave up after %v, of which it stood still for 3 s: %v", took, err)
	}
}
