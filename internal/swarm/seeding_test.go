package swarm

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/anthill-grid/anthill/internal/blob"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// seedOf is a seeding of n pieces that are all there.
func seedOf(n int) *seeding {
	m := blob.Manifest{Size: int64(n) * blob.MinPiece, PieceSize: blob.MinPiece, Pieces: make([][32]byte, n)}
	return newSeeding(m, blob.FullBitmap(n))
}

func bitmapOf(n int, pieces ...int) blob.Bitmap {
	b := blob.NewBitmap(n)
	for _, i := range pieces {
		b.Set(i)
	}
	return b
}

func TestRarestIsSentFirst(t *testing.T) {
	s := seedOf(4)
	s.join(bitmapOf(4, 0, 1, 2), 0)
	s.join(bitmapOf(4, 0, 2), 0)
	c := s.join(nil, 0)
	c.credit = 4
	for _, want := range []int{3, 1, 0, 2} {
		i, ok := c.offer()
		if !ok || i != want {
			t.Fatalf("offers %d, %v, want %d", i, ok, want)
		}
		c.take(i)
	}
	if i, ok := c.offer(); ok {
		t.Errorf("offers %d to one who expects everything", i)
	}
}

// Two clients of one seed get different pieces until all were given once.
func TestSeedGivesEachPieceOnceBeforeItRepeats(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 40).Draw(t, "pieces")
		s := seedOf(n)
		var clients []*client
		for range rapid.IntRange(1, 6).Draw(t, "clients") {
			c := s.join(nil, rapid.Uint32().Draw(t, "start"))
			c.credit = n
			clients = append(clients, c)
		}
		given := map[int]bool{}
		for range n {
			c := clients[rapid.IntRange(0, len(clients)-1).Draw(t, "next")]
			i, ok := c.offer()
			if !ok || given[i] {
				t.Fatalf("offers %d, %v; given %v", i, ok, given)
			}
			given[i] = true
			c.take(i)
		}
	})
}

func TestAsksComeBeforeChoices(t *testing.T) {
	s := seedOf(3)
	c := s.join(nil, 0)
	c.credit, c.asks = 1, []int{2, 1}
	for _, want := range []struct {
		piece  int
		chosen bool
	}{{2, false}, {1, false}, {0, true}} {
		i, ok := c.offer()
		if !ok || i != want.piece || c.take(i) != want.chosen {
			t.Fatalf("offers %d, %v, want %v", i, ok, want)
		}
	}
}

// Whatever clients say, copies are what they have or expect.
func TestCopiesAreCounted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const n = 10
		s := seedOf(n)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			i := rapid.IntRange(0, n-1).Draw(t, "piece")
			if len(s.clients) == 0 || rapid.IntRange(0, 9).Draw(t, "join") == 0 {
				s.join(bitmapOf(n, i), 0)
				continue
			}
			c := s.clients[rapid.IntRange(0, len(s.clients)-1).Draw(t, "client")]
			switch rapid.IntRange(0, 4).Draw(t, "what") {
			case 0:
				c.expect(i)
			case 1:
				c.miss(i)
			case 2:
				c.credit++
				if i, ok := c.offer(); ok {
					c.take(i)
				}
			case 3:
				c.settle(i)
			case 4:
				s.leave(c)
			}
		}
		for i := range n {
			have := 0
			for _, c := range s.clients {
				if c.theirs.Has(i) {
					have++
				}
			}
			if s.copies[i] != have {
				t.Fatalf("%d copies of piece %d are counted, there are %d", s.copies[i], i, have)
			}
		}
	})
}

// A piece that was cancelled since it stalled, and is lost elsewhere, is offered
// again.
func TestLostPieceIsOfferedAgain(t *testing.T) {
	u, s := newUploads(func() error { return nil }), seedOf(1)
	n := u.enter(blob.ID{}, s.manifest, s.have, &anthillv1.ExchangeRequest{}, nil)
	u.receive(n, &anthillv1.ExchangeRequest{Ask: []uint32{0}})
	if _, i := u.todo(n); i != 0 {
		t.Fatal("the piece is not sent")
	}
	u.receive(n, &anthillv1.ExchangeRequest{Cancel: []uint32{0}, Lost: []uint32{0}})
	if _, stop := u.midway(n, 0); !stop {
		t.Fatal("it is sent on")
	}
	u.stopped(n, 0)
	u.receive(n, &anthillv1.ExchangeRequest{Credit: 1})
	if news, _ := u.todo(n); len(news.GetPromised()) != 1 {
		t.Errorf("it is not promised again: %v", news)
	}
}
