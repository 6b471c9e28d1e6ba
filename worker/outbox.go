package worker

import (
	"context"
	"sync"

	"google.golang.org/protobuf/proto"

	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// A call carries at most so many reports and, unless one is larger, so many
// bytes.
const (
	maxBatch      = 200
	maxBatchBytes = 1 << 20
)

// outbox collects reports, so that what ends at about the same time is handed
// in by one call.
type outbox struct {
	mu     sync.Mutex
	list   []*anthillv1.AttemptReport
	taken  int // of the batch that is being handed in
	closed bool
	news   chan struct{}
}

func newOutbox() *outbox { return &outbox{news: make(chan struct{}, 1)} }

func (o *outbox) add(r *anthillv1.AttemptReport) {
	o.mu.Lock()
	o.list = append(o.list, r)
	o.mu.Unlock()
	o.wake()
}

// count is the number of reports that are not handed in yet.
func (o *outbox) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.list) + o.taken
}

func (o *outbox) close() {
	o.mu.Lock()
	o.closed = true
	o.mu.Unlock()
	o.wake()
}

func (o *outbox) wake() {
	select {
	case o.news <- struct{}{}:
	default:
	}
}

// handedIn ends the batch that was taken last.
func (o *outbox) handedIn() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.taken = 0
}

// take waits for reports; false when there will be none any more. They count
// until handedIn.
func (o *outbox) take(ctx context.Context) ([]*anthillv1.AttemptReport, bool) {
	for ctx.Err() == nil {
		batch, closed := o.cut()
		if len(batch) > 0 {
			return batch, true
		}
		if closed {
			return nil, false
		}
		select {
		case <-o.news:
		case <-ctx.Done():
		}
	}
	return nil, false
}

func (o *outbox) cut() (batch []*anthillv1.AttemptReport, closed bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n, bytes := 0, 0
	for n < len(o.list) && n < maxBatch {
		bytes += proto.Size(o.list[n])
		if n > 0 && bytes > maxBatchBytes {
			break
		}
		n++
	}
	batch, o.list, o.taken = o.list[:n:n], o.list[n:], n
	if len(o.list) == 0 {
		o.list = nil // do not keep what has been taken
	}
	return batch, o.closed
}
