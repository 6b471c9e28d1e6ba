package swarm

import (
	"slices"

	"github.com/anthill-grid/anthill/internal/blob"
)

// seeding is one blob, as the peer that uploads it sees it. It knows what each of its
// clients has, and sends first what fewest of them have: a rare piece in two
// places is worth more than a common one in ten.
type seeding struct {
	manifest blob.Manifest
	have     blob.Bitmap
	// copies counts for each piece the clients that have it, or expect it from
	// anybody.
	copies  []int
	clients []*client
}

// client is a peer that downloads the blob from here.
type client struct {
	seeding *seeding
	theirs  blob.Bitmap // what it has or expects, from here or from others
	asks    []int       // pieces that it named, in its order
	credit  int         // further pieces that it leaves to us to choose
	sending []int       // on their way to it, not acknowledged
	start   int         // where it wants equally rare pieces to begin
	served  uint64      // when a piece was last sent to it, in turns
}

func newSeeding(m blob.Manifest, have blob.Bitmap) *seeding {
	return &seeding{manifest: m, have: have, copies: make([]int, len(m.Pieces))}
}

// join adds a client that has the pieces in theirs; start is a share of the blob's
// length in units of 2^-32.
func (s *seeding) join(theirs blob.Bitmap, start uint32) *client {
	c := &client{seeding: s, theirs: blob.NewBitmap(len(s.copies)), start: int(uint64(start) * uint64(len(s.copies)) >> 32)}
	for i := range s.copies {
		if theirs.Has(i) {
			c.expect(i)
		}
	}
	s.clients = append(s.clients, c)
	return c
}

// leave removes a client.
func (s *seeding) leave(c *client) {
	for i := range s.copies {
		c.miss(i)
	}
	s.clients = slices.DeleteFunc(s.clients, func(other *client) bool { return other == c })
}

// expect notes that the client has piece i or will have it.
func (c *client) expect(i int) {
	if !c.theirs.Has(i) {
		c.theirs.Set(i)
		c.seeding.copies[i]++
	}
}

// miss notes that it does not.
func (c *client) miss(i int) {
	if c.theirs.Has(i) {
		c.theirs.Clear(i)
		c.seeding.copies[i]--
	}
}

// offer finds the piece that is to be sent to the client next: the first that it
// asked for, otherwise the one that fewest have, of those that it neither has nor
// expects. Of equally rare ones it is the first after its start.
func (c *client) offer() (i int, ok bool) {
	for _, i := range c.asks {
		if c.seeding.have.Has(i) {
			return i, true
		}
	}
	if c.credit == 0 {
		return 0, false
	}
	return c.rarest()
}

func (c *client) rarest() (best int, ok bool) {
	n := len(c.seeding.copies)
	for k := range n {
		i := (c.start + k) % n
		if c.theirs.Has(i) || !c.seeding.have.Has(i) {
			continue
		}
		if !ok || c.seeding.copies[i] < c.seeding.copies[best] {
			best, ok = i, true
		}
	}
	return best, ok
}

// take notes that piece i is being sent; it tells whether the client left the
// choice to us.
func (c *client) take(i int) (chosen bool) {
	if at := slices.Index(c.asks, i); at >= 0 {
		c.asks = slices.Delete(c.asks, at, at+1)
	} else {
		c.credit--
		chosen = true
	}
	c.expect(i)
	c.sending = append(c.sending, i)
	return chosen
}

// settle notes that piece i has arrived, or will not be sent.
func (c *client) settle(i int) {
	c.sending = slices.DeleteFunc(c.sending, func(s int) bool { return s == i })
}
