package swarm

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// deaf makes a peer hear but the first message: what it sends is an answer to that.
func deaf(r *anthillv1.ExchangeRequest, stream exchangeServer) {
	if len(r.GetBlob()) == 0 {
		<-stream.Context().Done()
	}
}

func TestSmallBlobTakesOneRoundTrip(t *testing.T) {
	for k, n := range []int{0, 1, 10_000, piece} {
		s, p := newSwarm(t, Config{}), serve(t, jobs.Worker)
		data := content(byte(60+k), n)
		p.hold(t, data).hear = deaf
		tr, err := s.Fetch(deadline(t, 10*time.Second), blob.Of(data).ID(), 0, -1, providers(p))
		if err != nil || total(tr) != int64(n) {
			t.Errorf("%d bytes: %v, %v", n, tr, err)
		}
		mustHold(t, s, data)
	}
}

func TestLargerBlobComesOnlyWhenAskedFor(t *testing.T) {
	s, p := newSwarm(t, Config{Patience: 300 * time.Millisecond}), serve(t, jobs.Worker)
	data := content(64, piece+1)
	p.hold(t, data).hear = deaf
	if _, err := s.Fetch(deadline(t, 10*time.Second), blob.Of(data).ID(), 0, -1, providers(p)); !errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	if p.reads.Load() != 0 {
		t.Error("a piece came that nobody had asked for")
	}
}

// Only the best of several peers sends a small blob unasked.
func TestSmallBlobComesOnce(t *testing.T) {
	s, worker := newSwarm(t, Config{}), serve(t, jobs.Worker)
	late := func(*anthillv1.ExchangeResponse) { time.Sleep(50 * time.Millisecond) }
	a, b := serve(t, jobs.Submitter), serve(t, jobs.Coordinator)
	a.greet, b.greet = late, late
	for k := range int64(10) {
		data := content(byte(70+k), 1000)
		for _, p := range []*testPeer{a, b, worker} {
			p.hold(t, data)
		}
		if _, err := s.Fetch(deadline(t, 10*time.Second), blob.Of(data).ID(), 0, -1, providers(a, b, worker)); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(100 * time.Millisecond) // what else comes does now
	if w, o := worker.reads.Load(), a.reads.Load()+b.reads.Load(); w != 10 || o != 0 {
		t.Errorf("the worker sent %d of 10 small blobs, the others %d", w, o)
	}
}

// Peers of before know nothing of prompt.
func TestSmallBlobFromAnOldPeer(t *testing.T) {
	s, p := newSwarm(t, Config{}), serve(t, jobs.Worker)
	data := content(65, 1000)
	p.hold(t, data).hear = func(r *anthillv1.ExchangeRequest, _ exchangeServer) { r.Prompt = false }
	if _, err := s.Fetch(deadline(t, 10*time.Second), blob.Of(data).ID(), 0, -1, providers(p)); err != nil {
		t.Error(err)
	}
	mustHold(t, s, data)
}

func TestLiarWithASmallBlobIsRefused(t *testing.T) {
	for name, lie := range liars {
		t.Run(name, func(t *testing.T) {
			s, data := newSwarm(t, Config{}), content(66, 1000)
			liar, honest := serve(t, jobs.Worker).hold(t, data), serve(t, jobs.Submitter).hold(t, data)
			lie(liar)
			honest.greet = func(*anthillv1.ExchangeResponse) {
				for end := time.Now().Add(5 * time.Second); !s.refusals.has("", liar.Address); time.Sleep(time.Millisecond) {
					if time.Now().After(end) {
						t.Error("the liar is not refused")
						return
					}
				}
			}
			if _, err := s.Fetch(deadline(t, 20*time.Second), blob.Of(data).ID(), 0, -1, providers(liar, honest)); err != nil {
				t.Fatal(err)
			}
			mustHold(t, s, data)
		})
	}
}

// A prompt blob waits for a place on the line, and for leave, as any other.
func TestPromptKeepsToTheLine(t *testing.T) {
	var spent error
	for _, c := range []struct {
		name   string
		pieces int // 0 means 1
		flying int64
		spent  error
		owed   bool
		have   blob.Bitmap
		theirs []byte
		comes  bool
	}{
		{name: "room", have: blob.FullBitmap(1), comes: true},
		{name: "no room", have: blob.FullBitmap(1), flying: budgetPieces * piece},
		{name: "volume used up", have: blob.FullBitmap(1), spent: blobstore.ErrFull},
		{name: "owed", have: blob.FullBitmap(1), spent: blobstore.ErrFull, owed: true, comes: true},
		{name: "two pieces", pieces: 2, have: blob.FullBitmap(2)},
		{name: "not here", have: blob.NewBitmap(1)},
		{name: "there already", have: blob.FullBitmap(1), theirs: blob.FullBitmap(1)},
	} {
		spent = c.spent
		u := newUploads(func() error { return spent })
		u.budget.inFlight = c.flying
		n := u.enter(blob.ID{}, seedOf(max(1, c.pieces)).manifest, c.have, &anthillv1.ExchangeRequest{Have: c.theirs}, nil)
		n.owed = c.owed
		u.prompt(n)
		news, i := u.todo(n)
		if promised := slices.Equal(news.GetPromised(), []uint32{0}); promised != c.comes || (i == 0) != c.comes {
			t.Errorf("%s: promised %v, sends %d", c.name, news.GetPromised(), i)
		}
		u.budget.inFlight, spent = 0, nil
		u.dispatch()
		if news, i := u.todo(n); news != nil || i >= 0 {
			t.Errorf("%s: later it promises %v, sends %d unasked", c.name, news.GetPromised(), i)
		}
	}
}
