package swarm

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

const (
	// ackTimeout is how long a piece may be on its way before what it takes of the
	// budget is free for others. Its client gets nothing more until it has
	// acknowledged it.
	ackTimeout = 2 * time.Second
	// maxIntroduced bounds the peers that a client is told of at once.
	maxIntroduced = 32
	// maxExchanges bounds those that a client has at a time, one for each blob that it
	// fetches: all clients have to be looked through often.
	maxExchanges = 256
)

// errCrowded: a client has as many exchanges as it may.
var errCrowded = fmt.Errorf("already %d exchanges of this client", maxExchanges)

// uploads is all that a node is sending, over all blobs: they share one line.
type uploads struct {
	mu       sync.Mutex
	budget   budget
	seedings map[blob.ID]*seeding
	sessions []*session
	sent     atomic.Int64 // bytes of pieces
	rng      *rand.Rand
	now      func() time.Time
	spent    func() error // nil while more may be sent
}

func newUploads(spent func() error) *uploads {
	return &uploads{
		seedings: make(map[blob.ID]*seeding), rng: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())), now: time.Now, spent: spent,
	}
}

// join begins a session and introduces the client to the others. What the store
// has is looked up while nobody can gain anything.
func (u *uploads) join(id blob.ID, store *blobstore.Store, from string, hello *anthillv1.ExchangeRequest, self *anthillv1.Provider, owed bool) (*session, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	others := 0
	for _, n := range u.sessions {
		if n.from == from {
			others++
		}
	}
	if others >= maxExchanges {
		return nil, errCrowded
	}
	m, have, err := store.Have(id)
	if err != nil {
		return nil, err
	}
	n := u.enter(id, m, have, hello, self)
	n.from, n.owed = from, owed
	return n, nil
}

// enter is called with mu held.
func (u *uploads) enter(id blob.ID, m blob.Manifest, have blob.Bitmap, hello *anthillv1.ExchangeRequest, self *anthillv1.Provider) *session {
	s := u.seedings[id]
	if s == nil {
		s = newSeeding(m, have)
		u.seedings[id] = s
	}
	s.have = have
	n := &session{client: s.join(hello.GetHave(), hello.GetStart()), id: id, self: self, transfers: make(map[int]*transfer), wake: make(chan struct{}, 1)}
	for _, k := range u.rng.Perm(len(u.sessions)) {
		if other := u.sessions[k]; other.id == id {
			if other.self != nil && len(n.pending().Peers) < maxIntroduced {
				n.pending().Peers = append(n.pending().Peers, other.self)
			}
			if self != nil && len(other.pending().Peers) < maxIntroduced {
				other.pending().Peers = append(other.pending().Peers, self)
				other.poke()
			}
		}
	}
	n.pending().Manifest, n.pending().Have = m.Encode(), have.Clone()
	u.sessions = append(u.sessions, n)
	return n
}

func (u *uploads) leave(n *session) {
	u.mu.Lock()
	defer u.mu.Unlock()
	n.left = true
	for i := range n.transfers {
		u.end(n, i)
	}
	u.sessions = slices.DeleteFunc(u.sessions, func(other *session) bool { return other == n })
	n.seeding.leave(n.client)
	if len(n.seeding.clients) == 0 {
		delete(u.seedings, n.id)
	}
	u.dispatch()
}

// gained tells all that download a blob that piece i of it can be had here.
func (u *uploads) gained(id blob.ID, i int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if s := u.seedings[id]; s != nil && i < len(s.copies) {
		u.add(id, s, i)
		u.dispatch()
	}
}

// add notes a piece and tells of it.
func (u *uploads) add(id blob.ID, s *seeding, i int) {
	s.have.Set(i)
	for _, n := range u.sessions {
		if n.id == id {
			n.pending().Gained = append(n.pending().Gained, uint32(i))
			n.poke()
		}
	}
}

// receive takes what a client says, and tells whether it reads what it is told.
func (u *uploads) receive(n *session, req *anthillv1.ExchangeRequest) (reads bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if n.left {
		return false
	}
	now := u.now()
	for _, i := range n.known(req.GetGained()) {
		n.expect(i)
		if g := n.transfers[i]; g != nil && !g.cancelled {
			if g.counted && g.sent { // otherwise it came from elsewhere, if it did
				u.budget.ack(g.length, now.Sub(g.at), now)
				g.counted = false
			}
			g.lost = false
			u.end(n, i)
		}
	}
	for _, i := range n.known(req.GetComing()) {
		n.expect(i)
	}
	for _, i := range n.known(req.GetLost()) {
		if g := n.transfers[i]; g != nil {
			g.lost = true
		} else {
			n.miss(i)
		}
	}
	for _, i := range n.known(req.GetCancel()) {
		u.cancel(n, i)
	}
	for _, i := range n.known(req.GetAsk()) {
		n.ask(i)
	}
	n.credit = int(min(int64(n.credit)+int64(req.GetCredit()), int64(len(n.seeding.copies))))
	u.dispatch()
	return len(n.news.GetGained())+len(n.news.GetPromised())+len(n.news.GetLacking()) <= maxBacklog
}

// prompt sends a client a blob of one piece with its manifest, if the budget allows
// that now. Otherwise the client gets it as any other does. Nothing may have been told
// to the client yet.
func (u *uploads) prompt(n *session) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(n.seeding.copies) != 1 || len(n.transfers) > 0 || n.credit > 0 {
		return
	}
	n.credit = 1
	u.dispatch()
	n.credit = 0
	if g := n.transfers[0]; g != nil {
		n.enqueue(0, g)
	}
}

// cancel keeps what is left of a piece from being sent.
func (u *uploads) cancel(n *session, i int) {
	n.asks = slices.DeleteFunc(n.asks, func(a int) bool { return a == i })
	switch g := n.transfers[i]; {
	case g == nil:
	case g.queued:
		g.cancelled = true
	default:
		u.end(n, i)
	}
}

// end forgets that piece i is on its way.
func (u *uploads) end(n *session, i int) {
	g := n.transfers[i]
	if g == nil {
		return
	}
	if g.counted {
		u.budget.refund(g.length)
	}
	delete(n.transfers, i)
	n.settle(i)
	if g.lost {
		n.miss(i)
	}
}

// dispatch begins transfers while the budget allows.
func (u *uploads) dispatch() {
	for {
		n, i := u.next()
		if n == nil {
			return
		}
		g := &transfer{at: u.now(), length: n.seeding.manifest.PieceLen(i), counted: true}
		if g.chosen = n.take(i); g.chosen {
			n.pending().Promised = append(n.pending().Promised, uint32(i))
			n.poke()
		} else {
			n.enqueue(i, g)
		}
		n.transfers[i] = g
		u.budget.spend(n.client, g.length)
	}
}

// next finds the client that is to be served, and with which piece.
func (u *uploads) next() (*session, int) {
	var waiting []*session
	spent := u.spent() != nil
	for _, n := range u.sessions {
		if (n.owed || !spent) && (n.credit > 0 || len(n.asks) > 0) {
			waiting = append(waiting, n)
		}
	}
	slices.SortFunc(waiting, func(a, b *session) int {
		if before(a.client, b.client) {
			return -1
		}
		return 1
	})
	for _, n := range waiting {
		piece := n.seeding.manifest.PieceSize
		if !u.budget.allows(piece) || len(n.sending) >= u.budget.share(piece, len(waiting)) {
			continue
		}
		if i, ok := n.offer(); ok {
			return n, i
		}
	}
	return nil, 0
}

// review refunds pieces that were not acknowledged in time, and looks whether the
// store has gained pieces in other ways.
func (u *uploads) review(n *session, store *blobstore.Store) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if _, have, err := store.Have(n.id); err == nil {
		for i := range n.seeding.copies {
			if have.Has(i) && !n.seeding.have.Has(i) {
				u.add(n.id, n.seeding, i)
			}
		}
	}
	for _, g := range n.transfers {
		if g.counted && u.now().Sub(g.at) > ackTimeout {
			g.counted = false
			u.budget.refund(g.length)
		}
	}
	u.dispatch()
}

// todo is what to tell and what to send next; i is -1 if nothing.
func (u *uploads) todo(n *session) (news *anthillv1.ExchangeResponse, i int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	i = -1
	for i < 0 && len(n.queue) > 0 {
		i, n.queue = n.queue[0], n.queue[1:]
		if g := n.transfers[i]; g == nil || g.cancelled {
			u.withdraw(n, i)
			i = -1
		}
	}
	news, n.news = n.news, nil
	return news, i
}

// midway is what to tell between two parts of piece i, and whether to stop.
func (u *uploads) midway(n *session, i int) (news *anthillv1.ExchangeResponse, stop bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	news, n.news = n.news, nil
	g := n.transfers[i]
	return news, g == nil || g.cancelled || !n.owed && u.spent() != nil
}

// withdraw forgets a piece that the client cancelled: it gets it elsewhere.
func (u *uploads) withdraw(n *session, i int) {
	u.end(n, i)
	u.dispatch()
}

// clients counts the peers that are connected for a blob.
func (u *uploads) clients(id blob.ID) int {
	u.mu.Lock()
	defer u.mu.Unlock()
	if s := u.seedings[id]; s != nil {
		return len(s.clients)
	}
	return 0
}

// finished notes that all of a piece was sent.
func (u *uploads) finished(n *session, i int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if g := n.transfers[i]; g != nil {
		g.sent = true
	}
}

// stopped ends the sending of a piece that is not wanted any more.
func (u *uploads) stopped(n *session, i int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.withdraw(n, i)
}

// lacks ends the sending of a piece that cannot be read, to all that wait for it.
func (u *uploads) lacks(n *session, i int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	n.seeding.have.Clear(i)
	for _, other := range u.sessions {
		if other.seeding == n.seeding && (other == n || slices.Contains(other.asks, i)) {
			other.asks = slices.DeleteFunc(other.asks, func(a int) bool { return a == i })
			other.miss(i)
			other.pending().Lacking = append(other.pending().Lacking, uint32(i))
			other.poke()
		}
	}
	u.withdraw(n, i)
}
