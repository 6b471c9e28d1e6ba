package swarm

import (
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/throttle"
)

// metered gives a node's listener and dialer a line with a volume, and a clock to turn
// the month by.
func metered(t *testing.T, limit int64) (*throttle.Line, *throttle.Volume, *atomic.Int64) {
	t.Helper()
	var months atomic.Int64
	v, err := throttle.OpenVolume(throttle.VolumeConfig{
		Limit: limit, File: filepath.Join(t.TempDir(), "volume.json"),
		Now: func() time.Time { return time.Now().AddDate(0, int(months.Load()), 0) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	return throttle.New(throttle.Limits{}, v), v, &months
}

// within tells whether a line carried its volume and hardly more.
func within(t *testing.T, v *throttle.Volume) {
	t.Helper()
	if u := v.Usage(); u.Used < u.Limit || u.Used > u.Limit+u.Limit/4 {
		t.Errorf("%d bytes passed, the volume is %d", u.Used, u.Limit)
	}
}

func TestANodePastItsVolumeServesNothing(t *testing.T) {
	data, small := content(50, 64*piece), content(51, 100)
	id := blob.Of(data).ID()
	line, v, months := metered(t, 16*piece)
	seed := newNodeOn(t, line, v.Err)
	for _, d := range [][]byte{data, small} {
		if _, err := seed.swarm.cfg.Store.Put(d); err != nil {
			t.Fatal(err)
		}
	}
	n := newNode(t)
	n.swarm.cfg.Patience = time.Second
	from := []Provider{seed.Provider}
	if _, err := n.swarm.Fetch(deadline(t, 30*time.Second), id, 0, -1, from); !errors.Is(err, ErrUnavailable) {
		t.Fatalf("got %v", err)
	}
	within(t, v)
	got, _, err := n.swarm.FetchSmall(deadline(t, 10*time.Second), []blob.ID{blob.Of(small).ID()}, from)
	if err != nil || got[0] != nil {
		t.Errorf("a small blob: %d bytes, %v", len(got[0]), err)
	}
	within(t, v)
	if n.swarm.refusals.count() != 0 {
		t.Error("the node is taken for a liar")
	}
	months.Add(1)
	for range 4 { // a month's volume is a quarter of the blob
		_, err = n.swarm.Fetch(deadline(t, 30*time.Second), id, 0, -1, from)
		months.Add(1)
	}
	if err != nil {
		t.Errorf("months later: %v", err)
	}
	mustHold(t, n.swarm, data)
}

func TestANodePastItsVolumeFetchesNothing(t *testing.T) {
	data := content(52, 64*piece)
	id := blob.Of(data).ID()
	seed := newNode(t)
	if _, err := seed.swarm.cfg.Store.Put(data); err != nil {
		t.Fatal(err)
	}
	line, v, months := metered(t, 16*piece)
	n := newNodeOn(t, line, v.Err)
	for range 2 {
		if _, err := n.swarm.Fetch(deadline(t, 30*time.Second), id, 0, -1, []Provider{seed.Provider}); !errors.Is(err, throttle.ErrSpent) {
			t.Fatalf("got %v", err)
		}
	}
	time.Sleep(200 * time.Millisecond) // what was on its way comes or not
	if u := v.Usage(); u.Used < u.Limit || u.Used > 2*u.Limit {
		t.Errorf("%d bytes passed, the volume is %d", u.Used, u.Limit)
	}
	months.Add(1)
	if _, err := n.swarm.Fetch(deadline(t, 30*time.Second), id, 0, 8*piece, []Provider{seed.Provider}); err != nil {
		t.Errorf("a month later: %v", err)
	}
}
