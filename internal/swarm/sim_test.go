package swarm

import (
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// A simulated swarm: the downloads and uploads of production on virtual time, with
// lines that send a frame at a time and messages that take a while. It stands in for
// links and streams. No network, no bytes.
type sim struct {
	t      *testing.T
	events queue
	nr     int
	store  *blobstore.Store // is empty
	peers  []*simPeer
	m      blob.Manifest
	dups   int
}

const (
	simLatency = 20 * time.Millisecond
	simUplink  = 4e6 // bytes a second
	simFrame   = 64 << 10
)

type simPeer struct {
	sim     *sim
	up      *uploads
	have    blob.Bitmap
	d       *download // nil: it is the seed
	want    *fetch
	links   []*simLink // to those that it downloads from
	clients []*simLink // of those that download from it
	sending bool
	turn    int
	done    time.Time
	frozen  bool // it neither says nor sends anything any more
}

// simLink is one Exchange.
type simLink struct {
	*link
	from, to *simPeer
	session  *session
	sent     int // piece being sent; -1: none
	left     int64
}

func newSim(t *testing.T, peers, pieces int, seed uint64) *sim {
	swarm := newSwarm(t, Config{})
	s := &sim{t: t, m: seedOf(pieces).manifest, store: swarm.cfg.Store}
	rng := rand.New(rand.NewPCG(seed, 1))
	for k := range peers + 1 {
		p := &simPeer{sim: s, have: blob.FullBitmap(pieces), up: newUploads(func() error { return nil })}
		p.up.rng = rand.New(rand.NewPCG(seed, uint64(k)))
		if k > 0 {
			p.have, p.want, p.d = blob.NewBitmap(pieces), newFetch(0, -1, nil), newDownload(swarm, blob.ID{})
			p.d.rng, p.d.start, p.d.fetches = rng, rng.Uint32(), []*fetch{p.want}
			p.d.local = func() (blob.Manifest, blob.Bitmap, bool) { return s.m, p.have, true }
		}
		s.peers = append(s.peers, p)
		s.after(ackTimeout/4, p.review)
	}
	for _, to := range s.peers[1:] {
		for k, from := range s.peers {
			if from != to {
				to.link(from, min(k, 1))
			}
		}
		s.after(tick, to.tick)
	}
	return s
}

// link begins an Exchange with the seed, of kind 0, or with a receiver.
func (p *simPeer) link(from *simPeer, kind int) {
	r := &remote{flights: make(map[int]*flight), idle: time.Now()}
	r.identity.role = []jobs.Role{jobs.Submitter, jobs.Worker}[kind]
	r.link = newLink(p.d, r, func() {})
	p.d.remotes = append(p.d.remotes, r)
	p.d.start += goldenStep
	l := &simLink{link: r.link, from: from, to: p, sent: -1}
	hello := &anthillv1.ExchangeRequest{Start: p.d.start}
	p.links = append(p.links, l)
	p.sim.after(simLatency, func() {
		l.session = from.up.enter(blob.ID{}, p.sim.m, from.have.Clone(), hello, nil)
		from.clients = append(from.clients, l)
		from.work()
	})
}

// review is what Server.upload does now and then.
func (p *simPeer) review() {
	if p.sim.over() {
		return
	}
	for _, l := range p.clients {
		p.up.review(l.session, p.sim.store)
	}
	p.work()
	p.sim.after(ackTimeout/4, p.review)
}

func (p *simPeer) tick() {
	if p.done.IsZero() && !p.frozen {
		p.sim.after(tick, p.tick)
		p.step()
	}
}

func (p *simPeer) apply(ev event) {
	if p.frozen {
		return
	}
	ev.apply(p.d)
	p.step()
}

// step is what download.run does after an event, and what link.speak does then.
func (p *simPeer) step() {
	p.d.step(time.Now())
	for _, l := range p.links {
		if l.out != nil {
			l.say(l.out)
			l.out = nil
		}
	}
	select {
	case err := <-p.want.result:
		if err != nil {
			p.sim.t.Error(err)
		}
		p.done = time.Now()
		p.sim.after(linger, p.leave)
	default:
	}
}

// say takes a message to the uploader.
func (l *simLink) say(req *anthillv1.ExchangeRequest) {
	l.to.sim.after(simLatency, func() {
		if l.session != nil {
			l.from.up.receive(l.session, req)
			l.from.work()
		}
	})
}

// leave ends the Exchanges of a download that is complete.
func (p *simPeer) leave() {
	for _, l := range p.links {
		l.from.up.leave(l.session)
		l.from.clients = slices.DeleteFunc(l.from.clients, func(other *simLink) bool { return other == l })
		l.session = nil
		l.from.work()
	}
}

// work takes the news to the clients and begins to send pieces.
func (p *simPeer) work() {
	if p.frozen {
		return
	}
	for _, l := range p.clients {
		for {
			var news *anthillv1.ExchangeResponse
			i := -1
			if l.sent < 0 {
				news, i = p.up.todo(l.session)
			} else {
				news, _ = p.up.midway(l.session, l.sent)
			}
			if news != nil {
				p.sim.after(simLatency, func() { l.hear(news) })
			}
			if i < 0 {
				break
			}
			l.sent, l.left = i, p.sim.m.PieceLen(i)
		}
	}
	if !p.sending {
		p.send()
	}
}

// send puts the next frame on the line, of each client in turn.
func (p *simPeer) send() {
	p.sending = false
	if p.frozen {
		return
	}
	for range p.clients {
		p.turn = (p.turn + 1) % len(p.clients)
		l := p.clients[p.turn]
		if l.sent < 0 {
			continue
		}
		if _, stop := p.up.midway(l.session, l.sent); stop {
			p.up.stopped(l.session, l.sent)
			l.sent = -1
			continue
		}
		n := min(l.left, simFrame)
		p.sending = true
		p.sim.after(time.Duration(float64(n)/simUplink*float64(time.Second)), func() {
			i := l.sent
			if l.left -= n; l.left == 0 {
				l.sent = -1
				if l.session != nil {
					p.up.finished(l.session, i)
				}
			}
			last := l.left == 0
			p.sim.after(simLatency, func() {
				l.count(int(n))
				if last {
					l.arrive(i)
				}
			})
			p.sending = false
			p.work()
		})
		return
	}
}

// hear does what link.talk and link.hear do with a message.
func (l *simLink) hear(news *anthillv1.ExchangeResponse) {
	if len(news.GetManifest()) > 0 {
		l.to.apply(linked{from: l.remote, identity: l.remote.identity, manifest: l.to.sim.m, local: l.to.have.Clone(), have: news.GetHave()})
	}
	ev := message{from: l.remote}
	for _, list := range []struct {
		in  []uint32
		out *[]int
	}{{news.GetGained(), &ev.gained}, {news.GetPromised(), &ev.promised}, {news.GetLacking(), &ev.lacking}} {
		for _, i := range list.in {
			*list.out = append(*list.out, int(i))
		}
	}
	l.to.apply(ev)
}

// arrive does what link.store does.
func (l *simLink) arrive(i int) {
	p := l.to
	if p.have.Has(i) {
		p.sim.dups++
	}
	p.have.Set(i)
	l.finish(i)
	p.up.gained(blob.ID{}, i)
	p.work()
	p.apply(arrived{l.remote, i, l.remote.identity})
}

// over tells whether all that live have the blob.
func (s *sim) over() bool {
	return !slices.ContainsFunc(s.peers[1:], func(p *simPeer) bool { return p.done.IsZero() && !p.frozen })
}

// die ends all Exchanges of a receiver.
func (p *simPeer) die() {
	p.frozen = true
	p.leave()
	for _, l := range p.clients {
		p.sim.after(simLatency, func() {
			l.remote.refused = true // it is not called again
			l.to.apply(unlinked{l.remote, l.remote.identity, io.EOF})
		})
	}
}

// run gives the time until the last is complete.
func (s *sim) run() time.Duration {
	began := time.Now()
	s.playFor(time.Hour)
	var last time.Time
	for k, p := range s.peers[1:] {
		if p.done.IsZero() && !p.frozen {
			s.t.Fatalf("peer %d has %d of %d pieces in the end", k, p.have.Count(), len(s.m.Pieces))
		}
		last = later(last, p.done)
	}
	return last.Sub(began)
}
