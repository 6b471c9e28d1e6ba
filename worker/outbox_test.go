package worker

import (
	"context"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

func report(lease uint64, bytes int) *anthillv1.AttemptReport {
	return &anthillv1.AttemptReport{Lease: lease, Data: make([]byte, bytes)}
}

func take(t *testing.T, o *outbox) []*anthillv1.AttemptReport {
	t.Helper()
	batch, ok := o.take(t.Context())
	if !ok {
		t.Fatal("the outbox has ended")
	}
	return batch
}

func TestOutboxBatchesByCount(t *testing.T) {
	o := newOutbox()
	for i := range uint64(maxBatch + 3) {
		o.add(report(i, 0))
	}
	first := take(t, o)
	if o.count() != maxBatch+3 {
		t.Errorf("%d count while a batch is on its way, want all", o.count())
	}
	o.handedIn()
	if o.count() != 3 {
		t.Errorf("%d count after a batch was handed in, want 3", o.count())
	}
	second := take(t, o)
	if len(first) != maxBatch || len(second) != 3 || second[0].GetLease() != maxBatch {
		t.Errorf("batches of %d and %d", len(first), len(second))
	}
	if o.list != nil {
		t.Error("an empty outbox holds on to what was taken")
	}
}

func TestOutboxBatchesByBytes(t *testing.T) {
	o := newOutbox()
	for _, size := range []int{maxBatchBytes / 2, maxBatchBytes / 3, maxBatchBytes / 3, 2 * maxBatchBytes, 1} {
		o.add(report(0, size))
	}
	for i, want := range []int{2, 1, 1, 1} { // one that is too large goes alone
		batch := take(t, o)
		if len(batch) != want {
			t.Errorf("batch %d has %d reports, want %d", i, len(batch), want)
		}
		if size := proto.Size(&anthillv1.ReportRequest{Reports: batch}); len(batch) > 1 && size > maxBatchBytes+1024 {
			t.Errorf("batch %d has %d bytes", i, size)
		}
	}
}

func TestOutboxEnds(t *testing.T) {
	o := newOutbox()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan bool)
	go func() {
		_, ok := o.take(ctx)
		ended <- ok
	}()
	o.add(report(1, 0))
	if !<-ended {
		t.Error("who waited did not get the report")
	}
	go func() {
		_, ok := o.take(ctx)
		ended <- ok
	}()
	cancel()
	if <-ended {
		t.Error("take outlives its context")
	}
	o.add(report(2, 0))
	o.close()
	if batch := take(t, o); len(batch) != 1 {
		t.Errorf("%d reports of a closed outbox, want what was in it", len(batch))
	}
	soon, stop := context.WithTimeout(t.Context(), 5*time.Second)
	defer stop()
	if _, ok := o.take(soon); ok || soon.Err() != nil {
		t.Error("a closed and empty outbox does not end")
	}
}
