package swarm

import (
	"testing"
	"time"
)

func TestWindowIsFourPiecesOrTwiceBandwidthTimesDelay(t *testing.T) {
	var s budget
	if w := s.window(100); w != 4*100 {
		t.Errorf("before anything is known: %d", w)
	}
	now := time.Now()
	for range 2000 { // 1 MB/s at a delay of 200 ms
		now = now.Add(10 * time.Millisecond)
		s.spend(&client{}, 10_000)
		s.ack(10_000, 200*time.Millisecond, now)
	}
	if w := s.window(100); w < 350_000 || w > 450_000 {
		t.Errorf("window of %d bytes, want about 400,000", w)
	}
	if s.inFlight != 0 {
		t.Errorf("%d bytes are on their way", s.inFlight)
	}
	if n := s.share(100_000, 2); n != 2 {
		t.Errorf("one of two clients may have %d pieces of 100,000 bytes on their way", n)
	}
}

func TestTheClientWithLessOnItsWayIsServedFirst(t *testing.T) {
	busy, idle, waited := &client{sending: []int{1}}, &client{served: 5}, &client{served: 2}
	if !before(idle, busy) || !before(waited, idle) || before(busy, waited) {
		t.Error("not in order")
	}
}
