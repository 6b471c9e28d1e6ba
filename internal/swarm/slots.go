package swarm

import "time"

const (
	// uploadSlots is how many pieces are on their way at a time when the line is
	// short. More of them share the line, so that each takes longer to become a
	// second source; with fewer the line falls idle while acknowledgements travel.
	uploadSlots = 4
	// delayMemory is for how long the shortest delay seen counts as the line's.
	delayMemory = 10 * time.Second
	rateMemory  = time.Second
)

// slots decides how many bytes may be on their way, and to whom the next piece
// goes. It keeps the line full and its queue short: at most uploadSlots pieces,
// or twice bandwidth times delay if that is more.
type slots struct {
	flying   int64 // bytes given and not acknowledged
	turn     uint64
	rate     float64 // bytes a second, acknowledged
	since    time.Time
	acked    int64 // since then
	delay    time.Duration
	measured time.Time // when delay was
}

// window is how many bytes may be on their way.
func (s *slots) window(piece int64) int64 {
	return max(uploadSlots*piece, int64(2*s.rate*s.delay.Seconds()))
}

// room tells whether another piece may be sent.
func (s *slots) room(piece int64) bool { return s.flying+piece <= s.window(piece) }

// share is how many pieces one of several clients may have on their way.
func (s *slots) share(piece int64, clients int) int {
	places := int(s.window(piece) / piece)
	return (places + clients - 1) / max(1, clients)
}

// give notes that a piece of n bytes goes to a client.
func (s *slots) give(c *client, n int64) {
	s.turn++
	c.served = s.turn
	s.flying += n
}

// ack notes that n bytes arrived, which took some time.
func (s *slots) ack(n int64, took time.Duration, now time.Time) {
	s.flying -= n
	if s.delay == 0 || took < s.delay || now.Sub(s.measured) > delayMemory {
		s.delay, s.measured = took, now
	}
	if s.since.IsZero() {
		s.since = now
	}
	s.acked += n
	if d := now.Sub(s.since); d >= rateMemory/10 {
		w := min(1, d.Seconds()/rateMemory.Seconds())
		s.rate += w * (float64(s.acked)/d.Seconds() - s.rate)
		s.since, s.acked = now, 0
	}
}

// drop notes that n bytes are not sent after all.
func (s *slots) drop(n int64) { s.flying -= n }

// before tells whether a is to be served before b: who has less on its way, and
// then who has waited longer.
func before(a, b *client) bool {
	if len(a.sending) != len(b.sending) {
		return len(a.sending) < len(b.sending)
	}
	return a.served < b.served
}
