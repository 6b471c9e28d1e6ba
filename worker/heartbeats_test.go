package worker

import (
	"testing"
	"time"

	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

func TestHeartbeatDropsVoidLeases(t *testing.T) {
	w, c := newWorker(t)
	one, two := w.leases.add(t.Context(), &anthillv1.Lease{Id: 1}), w.leases.add(t.Context(), &anthillv1.Lease{Id: 2})
	c.void = []uint64{2, 77}
	c.speak(w)
	if one.Err() != nil || two.Err() == nil {
		t.Error("the void lease goes on, or the other does not")
	}
	if len(c.beat.GetLeases()) != 2 || c.beat.GetAddress() != "h:1" {
		t.Errorf("heartbeat %v", c.beat)
	}
}

// However short leases are, several beats fit in.
func TestHeartbeatsKeepUpWithLeases(t *testing.T) {
	w, c := newWorker(t)
	for _, life := range []time.Duration{6 * time.Second, 3 * time.Second, 0, time.Minute} {
		before := w.leaseTime
		c.life = life
		c.speak(w)
		if life > 0 && w.leaseTime != life || life == 0 && w.leaseTime != before {
			t.Errorf("told of %v, it reckons with %v after %v", life, w.leaseTime, before)
		}
		if every := jobs.HeartbeatEvery(w.leaseTime); every > time.Second || every > w.leaseTime/6 || every < w.leaseTime/6 && every < time.Second {
			t.Errorf("leases live for %v, and there is a heartbeat every %v", w.leaseTime, every)
		}
	}
}
