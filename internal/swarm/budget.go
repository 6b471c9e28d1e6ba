package swarm

import "time"

const (
	// budgetPieces is how many pieces are on their way at a time when the line is
	// short. More of them share the line, so that each takes longer to become a
	// second source; with fewer the line falls idle while acknowledgements travel.
	budgetPieces = 4
	// delayMemory is for how long the shortest delay seen counts as the line's.
	delayMemory = 10 * time.Second
	rateMemory  = time.Second
)

// budget decides how many bytes may be on their way, and to which client the next
// piece goes. It keeps the line full and its queue short: at most budgetPieces pieces,
// or twice bandwidth times delay if that is more.
type budget struct {
	inFlight int64 // bytes spent and not acknowledged
	turn     uint64
	rate     float64 // bytes a second, acknowledged
	since    time.Time
	acked    int64 // since then
	delay    time.Duration
	measured time.Time // when delay was
}

// window is how many bytes may be on their way.
func (b *budget) window(piece int64) int64 {
	return max(budgetPieces*piece, int64(2*b.rate*b.delay.Seconds()))
}

// allows tells whether another piece may be sent.
func (b *budget) allows(piece int64) bool { return b.inFlight+piece <= b.window(piece) }

// share is how many pieces one of several clients may have on their way.
func (b *budget) share(piece int64, clients int) int {
	places := int(b.window(piece) / piece)
	return (places + clients - 1) / max(1, clients)
}

// spend notes that a piece of n bytes goes to a client.
func (b *budget) spend(c *client, n int64) {
	b.turn++
	c.served = b.turn
	b.inFlight += n
}

// ack notes that n bytes arrived, which took some time.
func (b *budget) ack(n int64, took time.Duration, now time.Time) {
	b.inFlight -= n
	if b.delay == 0 || took < b.delay || now.Sub(b.measured) > delayMemory {
		b.delay, b.measured = took, now
	}
	if b.since.IsZero() {
		b.since = now
	}
	b.acked += n
	if d := now.Sub(b.since); d >= rateMemory/10 {
		w := min(1, d.Seconds()/rateMemory.Seconds())
		b.rate += w * (float64(b.acked)/d.Seconds() - b.rate)
		b.since, b.acked = now, 0
	}
}

// refund notes that n bytes are not sent after all.
func (b *budget) refund(n int64) { b.inFlight -= n }

// before tells whether a is to be served before b: the client that has less on its
// way, and then the one that has waited longer.
func before(a, b *client) bool {
	if len(a.sending) != len(b.sending) {
		return len(a.sending) < len(b.sending)
	}
	return a.served < b.served
}
