package swarm

import (
	"errors"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// A client that asks for much leaves room to one that has nothing to take yet.
func TestClientKeepsToItsShareOfTheLine(t *testing.T) {
	u := newUploads(func() error { return nil })
	m := seedOf(16).manifest
	greedy := u.enter(blob.ID{}, m, bitmapOf(16, 0, 1, 2, 3, 4, 5, 6, 7), &anthillv1.ExchangeRequest{}, nil)
	patient := u.enter(blob.ID{}, m, bitmapOf(16, 0, 1, 2, 3, 4, 5, 6, 7), &anthillv1.ExchangeRequest{Have: bitmapOf(16, 0, 1, 2, 3, 4, 5, 6, 7)}, nil)
	u.receive(patient, &anthillv1.ExchangeRequest{Credit: 8})
	u.receive(greedy, &anthillv1.ExchangeRequest{Ask: []uint32{0, 1, 2, 3, 4, 5, 6, 7}})
	if n := len(greedy.sending); n != budgetPieces/2 {
		t.Errorf("one of two clients has %d places of %d", n, budgetPieces)
	}
	u.gained(blob.ID{}, 8)
	if !slices.Equal(patient.sending, []int{8}) {
		t.Errorf("the other waits for a place: it is sent %v", patient.sending)
	}
}

// Numbers that are none of a piece, nor fit an int where that has 32 bits (try it with
// GOARCH=386), are a lie from a server and nothing from a client.
func TestHugeNumbers(t *testing.T) {
	for _, huge := range []uint32{2, 1 << 31, 1<<32 - 1} {
		d := byHand(t, 2)
		r := d.remoteWith(blob.FullBitmap(2))
		for _, resp := range []*anthillv1.ExchangeResponse{{Gained: []uint32{huge}}, {Promised: []uint32{huge}}, {Lacking: []uint32{huge}}} {
			if err := r.link.forward(resp, 2); !errors.Is(err, errLie) {
				t.Errorf("%v: %v", resp, err)
			}
		}
		a := assembly{link: r.link, manifest: d.manifest, piece: -1}
		for _, frame := range []*anthillv1.ExchangeResponse{{Piece: huge, Data: []byte{1}}, {Offset: huge, Data: []byte{1}}} {
			if err := a.add(frame, peerIdentity{}); !errors.Is(err, errLie) {
				t.Errorf("%v: %v", frame, err)
			}
		}
		u := newUploads(func() error { return nil })
		n := u.enter(blob.ID{}, seedOf(2).manifest, blob.FullBitmap(2), &anthillv1.ExchangeRequest{Start: huge}, nil)
		list := []uint32{huge}
		u.receive(n, &anthillv1.ExchangeRequest{Gained: list, Coming: list, Lost: list, Cancel: list, Ask: list, Credit: huge})
		if len(n.transfers) != 2 {
			t.Errorf("with a credit of %d it is given %d pieces", huge, len(n.transfers))
		}
	}
}

// One client cannot take all the room that there is for clients.
func TestOneClientHasNoMoreExchangesThanAnybodyNeeds(t *testing.T) {
	p := serve(t, jobs.Worker)
	data := content(92, 2*piece)
	id := blob.Of(data).ID()
	p.hold(t, data)
	pool := newPool(insecure.NewCredentials())
	t.Cleanup(func() { _ = pool.Close() })
	conn, err := pool.Dial(t.Context(), p.Provider)
	if err != nil {
		t.Fatal(err)
	}
	exchange := func() (exchange, error) {
		stream, err := anthillv1.NewPieceServiceClient(conn).Exchange(deadline(t, 20*time.Second))
		if err == nil {
			err = stream.Send(&anthillv1.ExchangeRequest{Blob: id[:]})
		}
		if err == nil {
			_, err = stream.Recv()
		}
		return stream, err
	}
	first, err := exchange()
	for range maxExchanges - 1 {
		if _, more := exchange(); more != nil {
			err = more
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := exchange(); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("one more: %v", err)
	}
	if err := first.CloseSend(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if _, err := exchange(); err == nil {
			break
		} else if time.Now().After(end) {
			t.Fatalf("when one has ended: %v", err)
		}
	}
}

// What a client said last may arrive when it has left.
func TestAClientThatLeftIsNotReceived(t *testing.T) {
	u := newUploads(func() error { return nil })
	stays, leaves := enter(u), enter(u)
	u.leave(leaves)
	u.receive(leaves, &anthillv1.ExchangeRequest{Gained: []uint32{0}, Coming: []uint32{1}})
	if copies := stays.seeding.copies; copies[0]+copies[1] != 0 {
		t.Errorf("copies with nobody: %v", copies)
	}
}

// An acknowledgement of what was never sent makes nobody believe in a faster line.
func TestOnlyWhatWasSentTellsOfTheLine(t *testing.T) {
	for _, sent := range []bool{false, true} {
		u, now := newUploads(func() error { return nil }), time.Now()
		u.now = func() time.Time { return now }
		m := seedOf(200).manifest
		n := u.enter(blob.ID{}, m, blob.FullBitmap(200), &anthillv1.ExchangeRequest{}, nil)
		for i := range uint32(200) {
			u.receive(n, &anthillv1.ExchangeRequest{Ask: []uint32{i}})
			if _, next := u.todo(n); next != int(i) {
				t.Fatalf("it sends %d and not %d", next, i)
			}
			if sent {
				u.finished(n, int(i))
			}
			now = now.Add(time.Second / 10)
			u.receive(n, &anthillv1.ExchangeRequest{Gained: []uint32{i}})
		}
		if (u.budget.rate > 0) != sent || u.budget.inFlight != 0 {
			t.Errorf("sent %v: a line of %.0f bytes a second, %d on their way", sent, u.budget.rate, u.budget.inFlight)
		}
	}
}

// A client that waits for a piece is told when it turns out not to be there, and asks elsewhere.
func TestAWaitingClientIsToldThatAPieceIsLost(t *testing.T) {
	u := newUploads(func() error { return nil })
	first, waits := enter(u), enter(u)
	ask := &anthillv1.ExchangeRequest{Ask: []uint32{0}}
	u.receive(first, ask)
	u.budget.inFlight = budgetPieces * piece
	u.receive(waits, ask)
	if news, i := u.todo(waits); i >= 0 || len(news.GetLacking()) > 0 {
		t.Fatalf("it does not wait: %d, %v", i, news)
	}
	u.lacks(first, 0)
	if news, _ := u.todo(waits); !slices.Equal(news.GetLacking(), []uint32{0}) || len(waits.asks) > 0 {
		t.Errorf("it hears %v and waits for %v", news, waits.asks)
	}
}
