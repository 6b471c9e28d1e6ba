package swarm

import (
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/peer"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// A peer that stops a piece because it was told to has not lied, whether or not the
// piece had begun to come when it was told.
func TestCancelledPieceMayEndAnywhere(t *testing.T) {
	for _, c := range []struct {
		name   string
		before bool // it is cancelled before its first frame comes
		cancel bool
		lie    bool
	}{
		{name: "cancelled before it came", before: true, cancel: true},
		{name: "cancelled while it came", cancel: true},
		{name: "not cancelled", lie: true},
	} {
		d := byHand(t, 2)
		r := d.remoteWith(blob.FullBitmap(2))
		l := r.link
		d.ask(0, r, d.idle)
		d.ask(1, r, d.idle)
		a := assembly{link: l, manifest: d.manifest, piece: -1}
		frame := func(i uint32) error {
			return a.add(&anthillv1.ExchangeResponse{Piece: i, Data: make([]byte, 1000)}, peerIdentity{})
		}
		if c.cancel && c.before {
			l.cancel(0)
		}
		if err := frame(0); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if c.cancel && !c.before {
			l.cancel(0)
		}
		if err := frame(1); errors.Is(err, errLie) != c.lie {
			t.Errorf("%s: the next piece gives %v", c.name, err)
		}
	}
}

// A piece that is cancelled and asked for again, before who sends it has noticed, goes on.
func TestPieceAskedForAgainGoesOn(t *testing.T) {
	u := newUploads(func() error { return nil })
	n := u.enter(blob.ID{}, seedOf(2).manifest, blob.FullBitmap(2), &anthillv1.ExchangeRequest{}, nil)
	say := func(ask, cancel []uint32) { u.receive(n, &anthillv1.ExchangeRequest{Ask: ask, Cancel: cancel}) }
	say([]uint32{0}, nil)
	if _, i := u.todo(n); i != 0 {
		t.Fatalf("it sends %d", i)
	}
	say(nil, []uint32{0})
	say([]uint32{0}, nil)
	if _, stop := u.midway(n, 0); stop {
		t.Error("it stops, and the client waits for ever")
	}
	say(nil, []uint32{0})
	if _, stop := u.midway(n, 0); !stop {
		t.Error("it goes on though nobody wants it")
	}
}

// An address that is none is not passed on: one of megabytes would make the first message
// to every other client larger than they take.
func TestAddressThatIsNoneIsNotPassedOn(t *testing.T) {
	s, p := newSwarm(t, Config{Patience: time.Second}), serve(t, jobs.Worker)
	data := content(90, 2*piece)
	id := blob.Of(data).ID()
	p.hold(t, data)
	huge := "127.0.0.1:" + strings.Repeat("7", 3<<20)
	for _, address := range []string{
		huge, huge, "127.0.0.1:\x1b[2J", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:http",
	} {
		if _, err := p.open(t, &anthillv1.ExchangeRequest{Blob: id[:], Address: address}).Recv(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Fetch(deadline(t, 10*time.Second), id, 0, -1, providers(p)); err != nil {
		t.Error(err)
	}
	stream := p.open(t, &anthillv1.ExchangeRequest{Blob: id[:]})
	if first, err := stream.Recv(); err != nil || len(first.GetPeers()) > 0 {
		t.Errorf("%d peers were named, %v", len(first.GetPeers()), err)
	}
}

func TestAddressesOffTheWire(t *testing.T) {
	for address, want := range map[string]bool{
		"192.0.2.1:7000": true, "[2001:db8::1%eth0]:7000": true, "node-1.example.org:1": true,
		"": false, "host": false, ":7000": false, "host:": false, "host:0": false, "host:70000": false, "host:x": false, "host:+1": false,
		"ho st:1": false, "host\n:1": false, "\x1b[2Jhost:1": false, strings.Repeat("h", 300) + ":1": false, "a/b:1": false,
	} {
		if got := len(ProvidersOf([]*anthillv1.Provider{{Address: address}})) == 1; got != want {
			t.Errorf("%.40q: %v, want %v", address, got, want)
		}
	}
}

// A peer that may choose one piece and promises all keeps no other from sending the rest.
func TestPromisesBeyondTheCreditCountForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := byHand(t, 16)
		greedy, other := d.remoteWith(blob.FullBitmap(16)), d.remoteWith(blob.FullBitmap(16))
		d.moved = time.Now() // so that nothing is asked for by number
		d.step(time.Now())
		if n := greedy.said().GetCredit(); n != 1 {
			t.Fatalf("a new peer may choose %d pieces", n)
		}
		all := make([]int, 16)
		for i := range all {
			all[i] = i
		}
		for range 2 {
			message{from: greedy, promised: all}.apply(d)
			if len(greedy.flights) > 1 || len(other.said().GetComing()) > 1 {
				t.Errorf("%d pieces count as coming", len(greedy.flights))
			}
		}
		if n := len(greedy.said().GetCancel()); n < 15 {
			t.Errorf("%d promises are turned down", n)
		}
		if greedy.credit != 1 {
			t.Errorf("its credit is %d", greedy.credit)
		}
	})
}

// A preferred peer that has everything and sends little does not keep the others from
// sending.
func TestSlowPreferredPeerIsNotWaitedFor(t *testing.T) {
	s, data := newSwarm(t, Config{}), content(91, 24*piece)
	worker, coordinator := serve(t, jobs.Worker).hold(t, data), serve(t, jobs.Coordinator).hold(t, data)
	worker.frame = func(*anthillv1.ExchangeResponse) { time.Sleep(300 * time.Millisecond) }
	began := time.Now()
	tr, err := s.Fetch(deadline(t, 20*time.Second), blob.Of(data).ID(), 0, -1, providers(worker, coordinator))
	if took := time.Since(began); err != nil || took > stallAfter+time.Second {
		t.Errorf("%v after %v: %v", err, took, tr)
	}
}

// A peer that says it has a piece, and then that it has not, is asked again only if nobody
// else can be.
func TestPeerThatTakesBackWhatItHasIsOutOfFavour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := byHand(t, 4)
		liar := d.remoteWith(blob.FullBitmap(4))
		message{from: liar, lacking: []int{3}, gained: []int{3}}.apply(d)
		if !liar.favoured(time.Now()) {
			t.Error("it is out of favour for what nobody asked it for")
		}
		d.step(time.Now())
		for i := range liar.flights {
			message{from: liar, lacking: []int{i}}.apply(d)
		}
		if liar.favoured(time.Now()) || !liar.usable(time.Now()) {
			t.Errorf("favoured %v, usable %v", liar.favoured(time.Now()), liar.usable(time.Now()))
		}
	})
}

// Whoever talks and does not listen is cut off before what waits for it fills the memory.
func TestAPeerThatDoesNotReadIsCutOff(t *testing.T) {
	d := byHand(t, 2)
	r := d.remoteWith(blob.FullBitmap(2))
	cut := false
	r.link.stop = func() { cut = true }
	d.have.Set(0)
	for range 2 * maxBacklog {
		message{from: r, promised: []int{0}}.apply(d)
	}
	if n := len(r.link.out.GetCancel()); !cut || n > maxBacklog+1 {
		t.Errorf("a peer: cut off %v, %d numbers wait for it", cut, n)
	}
	u := newUploads(func() error { return nil })
	n := u.enter(blob.ID{}, seedOf(2).manifest, blob.NewBitmap(2), &anthillv1.ExchangeRequest{}, nil)
	listens := true
	for k := 0; listens && k < 2*maxBacklog; k++ {
		listens = u.receive(n, &anthillv1.ExchangeRequest{Ask: []uint32{1}})
	}
	if listens {
		t.Errorf("a client: %d numbers wait for it", len(n.news.GetLacking()))
	}
	for range 10 * maxIntroduced {
		u.enter(blob.ID{}, n.seeding.manifest, blob.NewBitmap(2), &anthillv1.ExchangeRequest{}, &anthillv1.Provider{Address: "peer:1"})
	}
	if peers := len(n.news.GetPeers()); peers > maxIntroduced {
		t.Errorf("a client: %d peers wait to be named to it", peers)
	}
}

// An address that a peer has named may be a stranger's: it gets a few knocks at its door,
// however often it is named, and takes nobody's place.
func TestAddressOnHearsayIsGivenUp(t *testing.T) {
	d := byHand(t, 2)
	d.fetches = nil // nobody is called
	liar := d.remoteWith(blob.FullBitmap(2))
	var strangers []Provider
	for k := range maxRemotes {
		strangers = append(strangers, Provider{Address: fmt.Sprintf("192.0.2.1:%d", 1+k)})
	}
	name := func() { message{from: liar, peers: strangers}.apply(d) }
	name()
	late := func(r *remote) bool { return r.callable(time.Now().Add(maxPause)) }
	for _, r := range slices.Clone(d.remotes[1:]) {
		for k := range hopeful {
			if !late(r) {
				t.Fatalf("given up after %d knocks", k)
			}
			name()
			unlinked{from: r, err: errors.New("connection refused")}.apply(d)
			r.paused = time.Time{}
		}
		name()
		if late(r) {
			t.Fatal("it is not given up")
		}
	}
	found{peers: strangers[:1]}.apply(d)
	if !late(d.remotes[1]) {
		t.Error("it is given up though a coordinator names it, too")
	}
	found{peers: []Provider{{Address: "198.51.100.1:1"}}}.apply(d)
	if last := d.remotes[len(d.remotes)-1]; last.Address != "198.51.100.1:1" || len(d.remotes) > maxRemotes {
		t.Errorf("the last of %d peers is %s", len(d.remotes), last.Address)
	}
}

// enter begins a session for a blob of two pieces.
func enter(u *uploads) *session {
	return u.enter(blob.ID{}, seedOf(2).manifest, blob.FullBitmap(2), &anthillv1.ExchangeRequest{}, nil)
}

// A peer that answers and hangs up before any piece has come is called less and less often.
func TestAPeerThatHangsUpIsCalledLessOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := byHand(t, 2)
		r := d.remoteWith(blob.FullBitmap(2))
		call := func() time.Duration {
			r.link = newLink(d, r, func() {})
			linked{from: r, manifest: d.manifest, local: d.have, have: blob.FullBitmap(2)}.apply(d)
			d.fly(0, r, time.Now(), true)
			unlinked{from: r, err: io.EOF}.apply(d)
			pause := time.Until(r.paused)
			time.Sleep(pause)
			return pause
		}
		for k := range 8 {
			if got, want := call(), min(maxPause, 100*time.Millisecond<<k); got != want {
				t.Errorf("call %d: a pause of %v, want %v", k, got, want)
			}
		}
		arrived{from: r, piece: 1}.apply(d)
		if got := call(); got != 100*time.Millisecond {
			t.Errorf("when a piece has come: a pause of %v", got)
		}
	})
}

// peek looks into a download.
type peek func(*download)

func (p peek) apply(d *download) { p(d) }

// So is what a client says of itself: it may name one port after the other.
func TestClientThatNamesItselfIsHearsay(t *testing.T) {
	s := newSwarm(t, Config{})
	srv := NewServer(ServerConfig{Store: s.cfg.Store, Swarm: s})
	id := blob.ID{1}
	d, err := s.download(id)
	if err != nil {
		t.Fatal(err)
	}
	from := peer.NewContext(t.Context(), &peer.Peer{Addr: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 9}})
	if p := srv.introduce(from, id, "198.51.100.1:7"); p.GetAddress() != "192.0.2.1:7" {
		t.Errorf("others are told of %v", p)
	}
	s.Introduce(id, []Provider{{Address: "192.0.2.2:7"}})
	got := make(chan string, 1)
	d.send(peek(func(d *download) {
		text := ""
		for _, r := range d.remotes {
			text += fmt.Sprintf("%s %v ", r.Address, r.hearsay)
		}
		got <- text
	}))
	if text, want := <-got, "192.0.2.1:7 true 192.0.2.2:7 false "; text != want {
		t.Errorf("it knows %q, want %q", text, want)
	}
}

// The only piece of a blob does not wait for a peer that trickles, either, though nobody
// knows how fast the others are.
func TestOnlyPieceIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := byHand(t, 1)
		trickles, other := d.remoteWith(blob.FullBitmap(1)), d.remoteWith(blob.FullBitmap(1))
		began := time.Now()
		d.fly(0, trickles, began, true)
		for len(other.said().GetAsk()) == 0 {
			trickles.link.count(stallBytes)
			d.after(400 * time.Millisecond)
			if time.Since(began) > stallAfter+time.Second {
				t.Fatalf("it is the only one that is asked for %v", time.Since(began))
			}
		}
		if took := time.Since(began); took < stallAfter {
			t.Errorf("the other is asked after %v", took)
		}
	})
}
