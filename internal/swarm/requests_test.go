package swarm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// byHand is a download without goroutines: the test is what happens to it.
func byHand(t *testing.T, pieces int) *download {
	t.Helper()
	s := newSwarm(t, Config{Dial: func(context.Context, Provider) (grpc.ClientConnInterface, error) {
		return nil, errors.New("there is no network")
	}})
	d := newDownload(s, blob.ID{})
	t.Cleanup(func() {
		close(d.done)
		d.cancel()
		d.io.Wait()
	})
	d.manifest, d.have, d.known = seedOf(pieces).manifest, blob.NewBitmap(pieces), true
	store := blob.FullBitmap(pieces)
	d.local = func() (blob.Manifest, blob.Bitmap, bool) { return d.manifest, store, true }
	d.fetches = []*fetch{newFetch(0, -1, nil)}
	return d
}

// remoteWith adds a peer that answered and has some pieces.
func (d *download) remoteWith(have blob.Bitmap) *remote {
	r := &remote{Provider: Provider{Address: fmt.Sprint("peer ", len(d.remotes))}, ready: true, have: have, idle: time.Now(), flights: make(map[int]*flight)}
	r.identity.role = jobs.Worker
	r.link = newLink(d, r, func() {})
	d.remotes = append(d.remotes, r)
	return r
}

// said takes what the peer would be told.
func (r *remote) said() *anthillv1.ExchangeRequest {
	out := r.link.out
	r.link.out = nil
	return out
}

// after steps on when some time has passed.
func (d *download) after(t time.Duration) {
	time.Sleep(t)
	d.step(time.Now())
}

func TestEndgameAsksOneMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := byHand(t, 2)
		d.have.Set(1)
		first := d.remoteWith(blob.FullBitmap(2))
		lacks, slow := d.remoteWith(bitmapOf(2, 1)), d.remoteWith(blob.FullBitmap(2))
		slow.slow = time.Now().Add(time.Hour)
		a, b := d.remoteWith(blob.FullBitmap(2)), d.remoteWith(blob.FullBitmap(2))
		d.fly(0, first, time.Now(), false)
		d.after(400 * time.Millisecond)
		if x, y := a.said().GetAsk(), b.said().GetAsk(); len(x)+len(y) > 0 {
			t.Errorf("others are asked at once: %v, %v", x, y)
		}
		d.after(200 * time.Millisecond)
		d.after(200 * time.Millisecond)
		d.after(500 * time.Millisecond)
		var asked []*remote
		for _, r := range []*remote{a, b} {
			if slices.Equal(r.said().GetAsk(), []uint32{0}) {
				asked = append(asked, r)
			}
		}
		if len(asked) != 1 || len(lacks.said().GetAsk())+len(slow.said().GetAsk()) > 0 {
			t.Fatalf("%d peers are asked for a piece that is late, want one that can send it", len(asked))
		}
		arrived{from: asked[0], piece: 0}.apply(d)
		if out := first.said(); !slices.Equal(out.GetCancel(), []uint32{0}) {
			t.Errorf("who was slower hears %v", out)
		}
		if len(d.flights) > 0 {
			t.Errorf("in flight: %v", d.flights)
		}
	})
}

// While there is something else to ask for, nothing is asked for twice.
func TestNoEndgameBeforeTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := byHand(t, 2)
		first, other := d.remoteWith(bitmapOf(2, 0)), d.remoteWith(bitmapOf(2, 0))
		d.fly(0, first, time.Now(), false)
		d.after(time.Second)
		if out := other.said(); len(out.GetAsk()) > 0 {
			t.Errorf("asked for %v, though piece 1 is missing", out.GetAsk())
		}
	})
}

func TestStalledPieceIsGivenUpAfterTwoSeconds(t *testing.T) {
	for _, c := range []struct {
		name      string
		drip      int // bytes in each tick
		elsewhere bool
		gives     time.Duration // up; 0: never
	}{
		{"silent", 0, true, 2 * time.Second},
		{"a byte now and then", 1, true, 2 * time.Second},
		{"slow, but it moves", stallBytes / 20, true, 0},
		{"nobody else has it", 0, false, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := byHand(t, 1)
			slow, other := d.remoteWith(blob.FullBitmap(1)), d.remoteWith(blob.FullBitmap(1))
			other.ready = c.elsewhere
			began, given := time.Now(), time.Duration(0)
			d.fly(0, slow, began, false)
			for given == 0 && time.Since(began) < 4*time.Second {
				slow.link.count(c.drip)
				d.after(tick)
				if len(slow.said().GetCancel()) > 0 {
					given = time.Since(began)
				}
			}
			if given != c.gives || (given > 0) != time.Now().Before(slow.slow) {
				t.Errorf("%s: given up after %v, want %v", c.name, given, c.gives)
			}
		})
	}
}
