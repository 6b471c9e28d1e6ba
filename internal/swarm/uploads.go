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
	// patienceForAck is how long a piece may be on its way before its place is
	// given to others. Its client gets nothing more until it has acknowledged it.
	patienceForAck = 2 * time.Second
	// maxIntroduced bounds the peers that a client is told of at once.
	maxIntroduced = 32
	// maxAsks bounds the pieces that a client has asked for by number. Honest ones
	// ask for a few at a time; what is beyond is passed over.
	maxAsks = 256
	// maxExchanges bounds those that a client has at a time, one for each blob that it
	// fetches: all clients have to be looked through often.
	maxExchanges = 256
)

// errCrowded: a client has as many exchanges as it may.
var errCrowded = fmt.Errorf("already %d exchanges of this client", maxExchanges)

// uploads is all that a node is sending, over all blobs: they share one line.
type uploads struct {
	mu       sync.Mutex
	slots    slots
	seedings map[blob.ID]*seeding
	sessions []*session
	sent     atomic.Int64 // bytes of pieces
	rng      *rand.Rand
	now      func() time.Time
	spent    func() error // nil while more may be sent
}

// session is the uploading end of one Exchange. uploads.mu guards it.
type session struct {
	*client
	id      blob.ID
	from    string // who the client is
	left    bool
	self    *anthillv1.Provider         // where the client serves the blob in turn; nil: nowhere
	news    *anthillv1.ExchangeResponse // to be sent before the next data; nil: none
	given   map[int]*given
	granted []int         // to be sent, in this order
	wake    chan struct{} // has something when there is news or a grant
	owed    bool          // it is served even when no more may be sent
}

// given is a piece on its way to a client.
type given struct {
	at        time.Time
	length    int64
	counted   bool // in slots.flying
	chosen    bool // by us: it is not sent before the client agrees
	granted   bool // it is being sent, or will be next
	sent      bool // all of it
	cancelled bool
	lost      bool // the client expects it from nobody else
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
	n := &session{client: s.join(hello.GetHave(), hello.GetStart()), id: id, self: self, given: make(map[int]*given), wake: make(chan struct{}, 1)}
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
	for i := range n.given {
		u.end(n, i)
	}
	u.sessions = slices.DeleteFunc(u.sessions, func(other *session) bool { return other == n })
	n.seeding.leave(n.client)
	if len(n.seeding.clients) == 0 {
		delete(u.seedings, n.id)
	}
	u.dispatch()
}

// gained tells all who download a blob that piece i of it can be had here.
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

// hear takes what a client says, and tells whether it listens, too.
func (u *uploads) hear(n *session, req *anthillv1.ExchangeRequest) (listens bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if n.left {
		return false
	}
	now := u.now()
	for _, i := range n.known(req.GetGained()) {
		n.expect(i)
		if g := n.given[i]; g != nil && !g.cancelled {
			if g.counted && g.sent { // else it came from elsewhere, if it did
				u.slots.ack(g.length, now.Sub(g.at), now)
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
		if g := n.given[i]; g != nil {
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

// prompt gives a client a blob of one piece with its manifest, if the line has
// room for it now. Else it gets it as any other does. Nothing may have been told
// to the client yet.
func (u *uploads) prompt(n *session) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(n.seeding.copies) != 1 || len(n.given) > 0 || n.credit > 0 {
		return
	}
	n.credit = 1
	u.dispatch()
	n.credit = 0
	if g := n.given[0]; g != nil {
		n.grant(0, g)
	}
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
	g := n.given[i]
	switch {
	case g != nil && g.chosen && !g.granted:
		n.grant(i, g)
	case g != nil:
		g.cancelled = false // it is being sent, or will be
	case !n.seeding.have.Has(i):
		n.pending().Lacking = append(n.pending().Lacking, uint32(i))
		n.poke()
	case len(n.asks) < maxAsks && !slices.Contains(n.asks, i):
		n.asks = append(n.asks, i)
	}
}

func (n *session) grant(i int, g *given) {
	g.granted = true
	n.granted = append(n.granted, i)
	n.poke()
}

// cancel keeps what is left of a piece from being sent.
func (u *uploads) cancel(n *session, i int) {
	n.asks = slices.DeleteFunc(n.asks, func(a int) bool { return a == i })
	switch g := n.given[i]; {
	case g == nil:
	case g.granted:
		g.cancelled = true
	default:
		u.end(n, i)
	}
}

// end forgets that piece i is on its way.
func (u *uploads) end(n *session, i int) {
	g := n.given[i]
	if g == nil {
		return
	}
	if g.counted {
		u.slots.drop(g.length)
	}
	delete(n.given, i)
	n.settle(i)
	if g.lost {
		n.miss(i)
	}
}

// dispatch gives out pieces while the line has room.
func (u *uploads) dispatch() {
	for {
		n, i := u.next()
		if n == nil {
			return
		}
		g := &given{at: u.now(), length: n.seeding.manifest.PieceLen(i), counted: true}
		if g.chosen = n.take(i); g.chosen {
			n.pending().Promised = append(n.pending().Promised, uint32(i))
			n.poke()
		} else {
			n.grant(i, g)
		}
		n.given[i] = g
		u.slots.give(n.client, g.length)
	}
}

// next finds who is to be served, and with which piece.
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
		if !u.slots.room(piece) || len(n.sending) >= u.slots.share(piece, len(waiting)) {
			continue
		}
		if i, ok := n.offer(); ok {
			return n, i
		}
	}
	return nil, 0
}

// review gives away the places of pieces that were not acknowledged in time, and
// looks whether the store has gained pieces in other ways.
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
	for _, g := range n.given {
		if g.counted && u.now().Sub(g.at) > patienceForAck {
			g.counted = false
			u.slots.drop(g.length)
		}
	}
	u.dispatch()
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

// todo is what to tell and what to send next; i is -1 if nothing.
func (u *uploads) todo(n *session) (news *anthillv1.ExchangeResponse, i int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	i = -1
	for i < 0 && len(n.granted) > 0 {
		i, n.granted = n.granted[0], n.granted[1:]
		if g := n.given[i]; g == nil || g.cancelled {
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
	g := n.given[i]
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
	if g := n.given[i]; g != nil {
		g.sent = true
	}
}

// stopped ends the sending of a piece that is not wanted any more.
func (u *uploads) stopped(n *session, i int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.withdraw(n, i)
}

// lacks ends the sending of a piece that cannot be read, to whoever waits for it.
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
