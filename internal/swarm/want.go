package swarm

import (
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
)

// want is one call of Fetch, as the download sees it.
type want struct {
	off, n    int64
	providers []Provider
	since     time.Time
	traffic   Traffic
	result    chan error // receives once
}

func newWant(off, n int64, providers []Provider) *want {
	return &want{
		off: off, n: n,
		providers: providers,
		since:     time.Now(),
		traffic:   make(Traffic),
		result:    make(chan error, 1),
	}
}

// satisfiedBy tells whether every wanted piece is in have.
func (w *want) satisfiedBy(m blob.Manifest, have blob.Bitmap, known bool) bool {
	if !known {
		return false
	}
	first, end := m.Covering(w.off, w.n)
	for i := first; i < end; i++ {
		if !have.Has(i) {
			return false
		}
	}
	return true
}

// covers tells whether the want needs piece i.
func (w *want) covers(m blob.Manifest, i int) bool {
	first, end := m.Covering(w.off, w.n)
	return first <= i && i < end
}
