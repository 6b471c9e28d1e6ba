package swarm

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/peer"

	"github.com/anthill-grid/anthill/internal/blob"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// handshakeTimeout only bounds a goroutine's life: nobody waits for a peer that is
// slow to answer.
const handshakeTimeout = 10 * time.Second

// link is the downloading end of one Exchange. It runs beside the download's
// goroutine, which tells it what to send and gets events from it.
type link struct {
	download *download
	remote   *remote
	stop     context.CancelFunc
	prompt   bool // the peer may send a blob of one piece unasked

	mu        sync.Mutex
	out       *anthillv1.ExchangeRequest // to be sent; nil: nothing
	due       map[int]bool               // pieces that may come: they were asked for
	cancelled map[int]bool               // those that may end anywhere, since they were cancelled
	received  int64                      // bytes of pieces
	partial   int64                      // those of a piece that is not whole yet
	wake      chan struct{}
}

func newLink(d *download, r *remote, cancel context.CancelFunc) *link {
	return &link{
		download: d, remote: r, stop: cancel,
		due: make(map[int]bool), cancelled: make(map[int]bool), wake: make(chan struct{}, 1),
	}
}

// maxBacklog bounds the numbers of pieces that wait for the other side to read. A peer
// that reads has no more to be told of each piece.
const maxBacklog = 4 * blob.MaxPieces

// send adds to the next request. A peer that does not read is cut off.
func (l *link) send(add func(*anthillv1.ExchangeRequest)) {
	l.mu.Lock()
	if l.out == nil {
		l.out = &anthillv1.ExchangeRequest{}
	}
	if o := l.out; len(o.GetGained())+len(o.GetComing())+len(o.GetLost())+len(o.GetAsk())+len(o.GetCancel()) > maxBacklog {
		l.mu.Unlock()
		l.stop()
		return
	}
	add(l.out)
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *link) ask(i int) {
	l.expect(i)
	l.send(func(out *anthillv1.ExchangeRequest) { out.Ask = append(out.Ask, uint32(i)) })
}

// cancel takes back the asking for a piece. What of it is on its way still comes, and the peer may not
// have begun it yet, or be done with it.
func (l *link) cancel(i int) {
	l.mu.Lock()
	if l.due[i] {
		l.cancelled[i] = true
	}
	l.mu.Unlock()
	l.send(func(out *anthillv1.ExchangeRequest) { out.Cancel = append(out.Cancel, uint32(i)) })
}

func (l *link) expect(i int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.due[i] = true
}

// unfinished is how many bytes have come of the piece that is coming.
func (l *link) unfinished() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.partial
}

// bytesReceived is how many bytes of pieces have come.
func (l *link) bytesReceived() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.received
}

// run exchanges with a peer until it, or the download, ends.
func (l *link) run(ctx context.Context, p Provider, have blob.Bitmap, start uint32) {
	from, err := l.exchange(ctx, p, have, start)
	l.stop()
	l.download.send(unlinked{l.remote, from, err})
}

func (l *link) exchange(ctx context.Context, p Provider, have blob.Bitmap, start uint32) (peerIdentity, error) {
	s := l.download.swarm
	id := l.download.id
	hello := &anthillv1.ExchangeRequest{Blob: id[:], Address: s.cfg.Self, Have: have, Start: start, Prompt: l.prompt, Grant: s.grants.of(id)}
	stream, err := s.open(ctx, p, hello)
	if err != nil {
		return peerIdentity{role: p.Role}, err
	}
	slow := time.AfterFunc(handshakeTimeout, l.stop)
	first, from, err := s.handshake(stream, p)
	slow.Stop()
	if err != nil {
		return from, err
	}
	if s.refusals.has(from.node, p.Address) {
		return from, errRefused
	}
	m, local, err := l.download.begin(first.GetManifest())
	if err != nil {
		return from, err
	}
	comes := l.comesUnasked(m, first)
	if !l.download.send(linked{l.remote, from, m, local, blob.Bitmap(first.GetHave()), comes}) {
		return from, ErrClosed
	}
	var writing sync.WaitGroup
	defer writing.Wait()
	defer l.stop()
	writing.Go(func() { l.write(stream) })
	return from, l.read(stream, m, from, first)
}

// exchange is the stream between two peers, as the caller sees it.
type exchange = grpc.BidiStreamingClient[anthillv1.ExchangeRequest, anthillv1.ExchangeResponse]

// open begins an exchange with a peer and says hello.
func (s *Swarm) open(ctx context.Context, p Provider, hello *anthillv1.ExchangeRequest) (exchange, error) {
	conn, err := s.cfg.Dial(ctx, p)
	if err != nil {
		return nil, err
	}
	stream, err := anthillv1.NewPieceServiceClient(conn).Exchange(ctx, s.onlyNode(p))
	if err != nil {
		return nil, err
	}
	if err := stream.Send(hello); err != nil {
		_, err = stream.Recv() // says why
		return nil, err
	}
	return stream, nil
}

// handshake takes the first answer, and tells who gave it: earlier that is not known.
func (s *Swarm) handshake(stream exchange, p Provider) (*anthillv1.ExchangeResponse, peerIdentity, error) {
	first, err := stream.Recv()
	other, _ := peer.FromContext(stream.Context())
	return first, s.identify(other, p), err
}

// comesUnasked tells whether a first answer promises the blob's only piece as an
// answer to prompt, and takes that promise out.
func (l *link) comesUnasked(m blob.Manifest, first *anthillv1.ExchangeResponse) bool {
	if !l.prompt || len(m.Pieces) != 1 || !slices.Contains(first.GetPromised(), 0) {
		return false
	}
	first.Promised = nil
	l.expect(0)
	return true
}

// write sends what there is to send, all of it at a time.
func (l *link) write(stream exchange) {
	for {
		select {
		case <-l.wake:
		case <-stream.Context().Done():
			return
		}
		l.mu.Lock()
		out := l.out
		l.out = nil
		l.mu.Unlock()
		if out != nil && stream.Send(out) != nil {
			return // read learns why
		}
	}
}

// read takes what the peer says, and stores the pieces that it sends.
func (l *link) read(stream exchange, m blob.Manifest, from peerIdentity, resp *anthillv1.ExchangeResponse) (err error) {
	a := assembly{link: l, manifest: m, piece: -1}
	for {
		if err := l.forward(resp, len(m.Pieces)); err != nil {
			return err
		}
		if len(resp.GetData()) > 0 {
			if err := a.add(resp, from); err != nil {
				return err
			}
		}
		if resp, err = stream.Recv(); err != nil {
			return err
		}
	}
}

// forward passes on all but data.
func (l *link) forward(resp *anthillv1.ExchangeResponse, pieces int) error {
	ev := message{from: l.remote, peers: ProvidersOf(resp.GetPeers())}
	for _, list := range []struct {
		in  []uint32
		out *[]int
	}{{resp.GetGained(), &ev.gained}, {resp.GetPromised(), &ev.promised}, {resp.GetLacking(), &ev.lacking}} {
		for _, i := range list.in {
			if !isPiece(i, pieces) {
				return fmt.Errorf("%w: piece %d of %d", errLie, i, pieces)
			}
			*list.out = append(*list.out, int(i))
		}
	}
	if len(ev.gained)+len(ev.promised)+len(ev.lacking)+len(ev.peers) == 0 {
		if len(resp.GetData())+len(resp.GetManifest()) == 0 {
			return fmt.Errorf("%w: a message that says nothing", errLie)
		}
		return nil
	}
	if !l.download.send(ev) {
		return ErrClosed
	}
	return nil
}

// isPiece tells whether a number off the wire is that of a piece: it may be more than an
// int holds.
func isPiece(i uint32, pieces int) bool { return uint64(i) < uint64(pieces) }

// assembly puts a piece together. A peer sends one at a time.
type assembly struct {
	link     *link
	manifest blob.Manifest
	piece    int // -1: none
	data     []byte
}

// add takes one frame. A piece that was cancelled may end anywhere.
func (a *assembly) add(f *anthillv1.ExchangeResponse, from peerIdentity) error {
	i, off, data := int(f.GetPiece()), int(f.GetOffset()), f.GetData()
	if !isPiece(f.GetPiece(), len(a.manifest.Pieces)) {
		return fmt.Errorf("%w: piece %d of %d", errLie, f.GetPiece(), len(a.manifest.Pieces))
	}
	if off == 0 && a.piece >= 0 {
		if !a.link.mayEnd(a.piece) {
			return fmt.Errorf("%w: piece %d ended after %d bytes", errLie, a.piece, len(a.data))
		}
		a.piece = -1
	}
	length := int(a.manifest.PieceLen(i))
	if a.piece < 0 {
		if !a.link.mayCome(i) {
			return fmt.Errorf("%w: piece %d, which nobody asked for", errLie, i)
		}
		a.piece, a.data = i, slices.Grow(a.data[:0], length)
	}
	if i != a.piece || off != len(a.data) || len(data) > length-off {
		return fmt.Errorf("%w: frame of piece %d [%d,+%d), want more of piece %d at %d of %d",
			errLie, i, off, len(data), a.piece, len(a.data), length)
	}
	a.data = append(a.data, data...)
	a.link.count(len(data))
	a.link.leaves(len(a.data) % length)
	if len(a.data) < length {
		return nil
	}
	a.piece = -1
	d := a.link.download
	if err := d.swarm.checkSigned(d.id, a.manifest, i, a.data, f.GetSignature(), from); err != nil {
		return err
	}
	return a.link.store(i, a.data, from)
}

// mayCome tells whether piece i was asked for, and has not come yet.
func (l *link) mayCome(i int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.due[i]
}

// mayEnd tells whether piece i, which is coming, may end early. That it is asked for
// again does not change that: the peer may have stopped before it got to know.
func (l *link) mayEnd(i int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cancelled[i]
}

func (l *link) count(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.received += int64(n)
	l.download.swarm.received.Add(int64(n))
}

// leaves notes how much there is of a piece of which the rest is still to come.
func (l *link) leaves(partial int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.partial = int64(partial)
}

// finish notes that piece i does not come any more.
func (l *link) finish(i int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.due, i)
	delete(l.cancelled, i)
}

// store checks a whole piece and keeps it, even if it was cancelled too late.
func (l *link) store(i int, data []byte, from peerIdentity) error {
	s := l.download.swarm
	if s.refusals.has(from.node, l.remote.Address) {
		return errRefused
	}
	if err := atHome(s.cfg.Store.WritePiece(l.download.id, i, data)); err != nil {
		return err
	}
	l.finish(i)
	s.uploads.gained(l.download.id, i)
	if !l.download.send(arrived{l.remote, i, from}) {
		return ErrClosed
	}
	return nil
}
