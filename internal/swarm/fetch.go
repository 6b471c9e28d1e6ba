package swarm

import (
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
)

// fetch is one call of Fetch, as the download sees it.
type fetch struct {
	off, n    int64
	providers []Provider
	since     time.Time
	traffic   Traffic
	result    chan error // receives once
}

func newFetch(off, n int64, providers []Provider) *fetch {
	return &fetch{
		off: off, n: n,
		providers: providers,
		since:     time.Now(),
		traffic:   make(Traffic),
		result:    make(chan error, 1),
	}
}

// satisfiedBy tells whether every wanted piece is in have.
func (f *fetch) satisfiedBy(m blob.Manifest, have blob.Bitmap, known bool) bool {
	if !known {
		return false
	}
	first, end := m.Covering(f.off, f.n)
	for i := first; i < end; i++ {
		if !have.Has(i) {
			return false
		}
	}
	return true
}

// covers tells whether the fetch needs piece i.
func (f *fetch) covers(m blob.Manifest, i int) bool {
	first, end := m.Covering(f.off, f.n)
	return first <= i && i < end
}
