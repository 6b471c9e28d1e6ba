package keeper

import (
	"errors"
	"time"

	"github.com/anthill-grid/anthill/internal/blobstore"
)

const (
	// retryMin is how long the keeper leaves alone what it could not get, and retryMax
	// how long what it could not get again and again.
	retryMin = 500 * time.Millisecond
	retryMax = 15 * time.Second
)

// backoff is how long something is left alone.
type backoff struct {
	pause time.Duration
	retry time.Time // not before
}

func (b *backoff) wait(d time.Duration) { b.pause, b.retry = d, time.Now().Add(d) }

func (b *backoff) over() bool { return !time.Now().Before(b.retry) }

// retryAfter is how long to leave alone what could not be copied, the longer the
// longer it was left alone before. A full disk does not get better soon.
func retryAfter(err error, before time.Duration) time.Duration {
	if errors.Is(err, blobstore.ErrFull) {
		return retryMax
	}
	return min(max(2*before, retryMin), retryMax)
}
