package desk

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/voter"
	"github.com/anthill-grid/anthill/jobs"
)

func TestDeskReplacesAnOffer(t *testing.T) {
	t.Parallel()
	d := idleDesk()
	first := make(chan error, 1)
	go func() {
		ids, err := d.Offer(context.Background(), "w1", 1, jobs.Metering)
		if len(ids) > 0 {
			err = errors.New("it got leases")
		}
		first <- err
	}()
	voter.Until(t, "the first offer waits", func() bool { return len(d.openOffers()) == 1 })
	voter.Until(t, "it is replaced", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		ids, err := d.Offer(ctx, "w1", 1, jobs.Metering)
		if ids != nil || err != nil {
			t.Fatalf("an offer that nobody answered: %v, %v", ids, err)
		}
		return len(first) == 1
	})
	if err := <-first; err != nil {
		t.Errorf("the first offer: %v", err)
	}
	if n := len(d.openOffers()); n != 0 {
		t.Errorf("%d offers are left", n)
	}
}

func TestDeskGivesWhatWasGrantedAtTheLastMoment(t *testing.T) {
	t.Parallel()
	d := idleDesk()
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan []Lease, 1)
	go func() {
		ids, _ := d.Offer(ctx, "w1", 1, jobs.Metering)
		got <- ids
	}()
	voter.Until(t, "the offer waits", func() bool { return len(d.openOffers()) == 1 })
	d.mu.Lock()
	cancel()
	time.Sleep(20 * time.Millisecond) // the offer now wants to withdraw
	d.offers["w1"].granted <- []Lease{{ID: 5}}
	delete(d.offers, "w1")
	d.mu.Unlock()
	if ids := <-got; len(ids) != 1 || ids[0].ID != 5 {
		t.Errorf("the offer got %v, want the lease 5", ids)
	}
}
