package worker

import (
	"testing"
	"time"
)

func TestPrefetch(t *testing.T) {
	var p prefetch
	if p.ahead(4) != 4 || p.rest() != 0 {
		t.Errorf("before the first attempt: %d ahead, rest %v", p.ahead(4), p.rest())
	}
	for _, c := range []struct {
		took time.Duration
		want int
	}{{10 * time.Second, 2}, {roundTrip / 3, 8}, {time.Microsecond, 2 * maxAhead}, {0, 2}} {
		p := prefetch{}
		p.took(c.took)
		if got := p.ahead(2); got != c.want {
			t.Errorf("attempts of %v: %d ahead for two slots, want %d", c.took, got, c.want)
		}
	}
	last := time.Duration(0)
	for range 10 {
		p.failed()
		if p.rest() < last {
			t.Errorf("rest %v after %v", p.rest(), last)
		}
		last = p.rest()
	}
	if last != maxBackoff {
		t.Errorf("rest %v after ten failures, want %v", last, maxBackoff)
	}
	p.took(time.Second)
	if p.rest() != 0 {
		t.Error("it rests although all is well again")
	}
}
