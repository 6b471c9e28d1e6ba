package swarm

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
)

func TestUselessLinkMakesRoom(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(d *download, r *remote) // the useless one
		makes bool
	}{
		{"useless", func(*download, *remote) {}, true},
		{"has a piece that is missing", func(_ *download, r *remote) { r.have.Set(1) }, false},
		{"was useful just now", func(_ *download, r *remote) { r.idle = time.Now() }, false},
		{"is sending", func(d *download, r *remote) { d.fly(1, r, time.Now(), true) }, false},
		{"has not answered yet", func(_ *download, r *remote) { r.ready = false }, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := byHand(t, 2)
			d.have.Set(0)
			for range maxLinks - 1 {
				d.remoteWith(blob.FullBitmap(2))
			}
			useless := d.remoteWith(bitmapOf(2, 0))
			cancelled := false
			useless.link.stop = func() { cancelled = true }
			waits := d.remoteWith(nil)
			waits.link, waits.ready = nil, false
			time.Sleep(linger + tick)
			c.spoil(d, useless)
			d.connect(time.Now())
			if cancelled != c.makes || waits.link != nil {
				t.Errorf("%s: cancelled %v, want %v", c.name, cancelled, c.makes)
			}
			if !c.makes {
				return
			}
			unlinked{from: useless, err: context.Canceled}.apply(d)
			d.connect(time.Now())
			if waits.link == nil || useless.link != nil {
				t.Errorf("%s: the other does not get its place", c.name)
			}
		})
	}
}
