package swarm

import (
	"slices"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// maxAsks bounds the pieces that a client has asked for by number. Honest ones
// ask for a few at a time; what is beyond is passed over.
const maxAsks = 256

// session is the uploading end of one Exchange. uploads.mu guards it.
type session struct {
	*client
	id        blob.ID
	from      string // the client, by node or host
	left      bool
	self      *anthillv1.Provider         // where the client serves the blob in turn; nil: nowhere
	news      *anthillv1.ExchangeResponse // to be sent before the next data; nil: none
	transfers map[int]*transfer
	queue     []int         // to be sent, in this order
	wake      chan struct{} // has something when there is news or a piece to send
	owed      bool          // it is served even when no more may be sent
}

// transfer is a piece on its way to a client.
type transfer struct {
	at        time.Time
	length    int64
	counted   bool // in budget.inFlight
	chosen    bool // by us: it is not sent before the client agrees
	queued    bool // it is being sent, or waits its turn
	sent      bool // all of it
	cancelled bool
	lost      bool // the client expects it from nobody else
}

// known are the numbers that are pieces of the blob.
func (n *session) known(list []uint32) []int {
	var out []int
	for _, i := range list {
		if isPiece(i, len(n.seeding.copies)) {
			out = append(out, int(i))
		}
	}
	return out
}

// ask notes that the client wants piece i, which may be one that was promised.
func (n *session) ask(i int) {
	g := n.transfers[i]
	switch {
	case g != nil && g.chosen && !g.queued:
		n.enqueue(i, g)
	case g != nil:
		g.cancelled = false // it is being sent, or will be
	case !n.seeding.have.Has(i):
		n.pending().Lacking = append(n.pending().Lacking, uint32(i))
		n.poke()
	case len(n.asks) < maxAsks && !slices.Contains(n.asks, i):
		n.asks = append(n.asks, i)
	}
}

func (n *session) enqueue(i int, g *transfer) {
	g.queued = true
	n.queue = append(n.queue, i)
	n.poke()
}

// pending is what is to be told next.
func (n *session) pending() *anthillv1.ExchangeResponse {
	if n.news == nil {
		n.news = &anthillv1.ExchangeResponse{}
	}
	return n.news
}

func (n *session) poke() {
	select {
	case n.wake <- struct{}{}:
	default:
	}
}
