package swarm

import (
	"container/heap"
	mathbits "math/bits"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// A simulated swarm: the uploads of production on virtual time, with lines that
// send a frame at a time and messages that take a while, and receivers that do
// what download does. No network, no bytes.
type sim struct {
	now    time.Time
	events queue
	peers  []*simPeer
	m      blob.Manifest
	dups   int
}

type simEvent struct {
	at time.Time
	nr int
	do func()
}

type queue []simEvent

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	if !q[i].at.Equal(q[j].at) {
		return q[i].at.Before(q[j].at)
	}
	return q[i].nr < q[j].nr
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(simEvent)) }
func (q *queue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

const (
	simLatency = 20 * time.Millisecond
	simUplink  = 4e6 // bytes a second
)

func (s *sim) after(d time.Duration, do func()) {
	heap.Push(&s.events, simEvent{s.now.Add(d), len(s.events) + int(s.now.UnixNano()), do})
}

type simPeer struct {
	sim     *sim
	up      *uploads
	have    blob.Bitmap
	flying  map[int]bool
	links   []*simLink // to those that it downloads from
	clients []*simLink // of those that download from it
	sending bool
	turn    int
	done    time.Time
}

// simLink is one Exchange.
type simLink struct {
	from, to *simPeer
	session  *session
	piece    int // being sent; -1: none
	left     int64
	credit   int
	proven   bool
}

func newSim(peers, pieces int, seed uint64) *sim {
	s := &sim{now: time.Unix(0, 0), m: blob.Manifest{Size: int64(pieces) * blob.MinPiece, PieceSize: blob.MinPiece, Pieces: make([][32]byte, pieces)}}
	rng := rand.New(rand.NewPCG(seed, 1))
	for k := range peers + 1 {
		p := &simPeer{sim: s, have: blob.NewBitmap(pieces), flying: map[int]bool{}}
		if k == 0 {
			p.have = blob.FullBitmap(pieces)
		}
		p.up = newUploads(func() error { return nil })
		p.up.rng, p.up.now = rand.New(rand.NewPCG(seed, uint64(k))), func() time.Time { return s.now }
		s.peers = append(s.peers, p)
	}
	for _, to := range s.peers[1:] {
		start := rng.Uint32()
		for _, from := range s.peers {
			if from != to {
				start += goldenStep
				to.link(from, start)
			}
		}
	}
	return s
}

func (p *simPeer) link(from *simPeer, start uint32) {
	l := &simLink{from: from, to: p, piece: -1}
	l.session = from.up.enter(blob.ID{}, p.sim.m, from.have, &anthillv1.ExchangeRequest{Start: start}, nil)
	p.links, from.clients = append(p.links, l), append(from.clients, l)
	p.sim.after(simLatency, l.giveCredit)
}

// say takes a message to the uploader.
func (l *simLink) say(req *anthillv1.ExchangeRequest) {
	l.to.sim.after(simLatency, func() {
		l.from.up.hear(l.session, req)
		l.from.work()
	})
}

func (l *simLink) giveCredit() {
	allowance := 1
	if l.proven {
		allowance = credit
	}
	if more := allowance - l.credit; more > 0 {
		l.credit += more
		l.say(&anthillv1.ExchangeRequest{Credit: uint32(more)})
	}
}

// work takes the news to the clients and begins to send pieces.
func (p *simPeer) work() {
	for _, l := range p.clients {
		for {
			var news *anthillv1.ExchangeResponse
			i := -1
			if l.piece < 0 {
				news, i = p.up.todo(l.session)
			} else {
				news, _ = p.up.midway(l.session, l.piece)
			}
			if news != nil {
				p.sim.after(simLatency, func() { l.hear(news) })
			}
			if i < 0 {
				break
			}
			l.piece, l.left = i, p.sim.m.PieceLen(i)
		}
	}
	if !p.sending {
		p.send()
	}
}

// send puts the next frame on the line, of each client in turn.
func (p *simPeer) send() {
	p.sending = false
	for range p.clients {
		p.turn = (p.turn + 1) % len(p.clients)
		l := p.clients[p.turn]
		if l.piece < 0 {
			continue
		}
		if _, stop := p.up.midway(l.session, l.piece); stop {
			p.up.stopped(l.session, l.piece)
			l.piece = -1
			continue
		}
		n := min(l.left, frameSize)
		p.sending = true
		p.sim.after(time.Duration(float64(n)/simUplink*float64(time.Second)), func() {
			if l.left -= n; l.left == 0 {
				i := l.piece
				l.piece = -1
				p.sim.after(simLatency, func() { l.arrive(i) })
			}
			p.sending = false
			p.work()
		})
		return
	}
}

func (l *simLink) hear(news *anthillv1.ExchangeResponse) {
	for _, n := range news.GetPromised() {
		if i := int(n); l.to.have.Has(i) || l.to.flying[i] {
			l.credit--
			l.say(&anthillv1.ExchangeRequest{Cancel: []uint32{n}})
		} else {
			l.to.flying[i] = true
			l.say(&anthillv1.ExchangeRequest{Ask: []uint32{n}})
			for _, other := range l.to.links {
				if other != l {
					other.say(&anthillv1.ExchangeRequest{Coming: []uint32{n}})
				}
			}
		}
	}
	l.giveCredit()
}

func (l *simLink) arrive(i int) {
	p := l.to
	if p.have.Has(i) {
		p.sim.dups++
	}
	delete(p.flying, i)
	p.have.Set(i)
	l.proven = true
	l.credit--
	for _, other := range p.links {
		other.say(&anthillv1.ExchangeRequest{Gained: []uint32{uint32(i)}})
		other.giveCredit()
	}
	p.up.gained(blob.ID{}, i)
	p.work()
	if p.have.All(len(p.sim.m.Pieces)) {
		p.done = p.sim.now
	}
}

// run gives the time until the last is complete.
func (s *sim) run(t *testing.T) time.Duration {
	for s.events.Len() > 0 {
		ev := heap.Pop(&s.events).(simEvent)
		s.now = ev.at
		if s.now.Sub(time.Unix(0, 0)) > time.Hour {
			break
		}
		ev.do()
	}
	last := slices.MaxFunc(s.peers[1:], func(a, b *simPeer) int { return a.done.Compare(b.done) }).done
	for k, p := range s.peers[1:] {
		if p.done.IsZero() {
			t.Fatalf("peer %d has %d of %d pieces in the end", k, p.have.Count(), len(s.m.Pieces))
		}
	}
	return last.Sub(time.Unix(0, 0))
}

// The time until all have a blob stays close to the bound of Mundinger, Weber and
// Weiss (2008), for up to 32 peers.
func TestSimulatedSwarmIsCloseToTheBound(t *testing.T) {
	const pieces = 256
	for _, n := range []int{1, 2, 3, 4, 8, 16, 32} {
		s := newSim(n, pieces, uint64(n))
		took := s.run(t)
		bound := float64(s.m.Size) / simUplink * (1 + float64(mathbits.Len(uint(n))-1)/pieces)
		ratio := took.Seconds() / bound
		t.Logf("%d peers: %.2f s, bound %.2f s, ratio %.3f, %d duplicates", n, took.Seconds(), bound, ratio, s.dups)
		if ratio > 1.12 || s.dups > 0 {
			t.Errorf("%d peers: ratio %.3f, %d duplicates", n, ratio, s.dups)
		}
	}
}
