package flowrate

import (
	"testing"
	"time"
)

func TestMeterFollowsWhatComes(t *testing.T) {
	var m Meter
	if m.Rate() != 0 || m.Knows(time.Second) {
		t.Errorf("it knows %v a second of nothing", m.Rate())
	}
	for range 60 {
		m.Add(1000, time.Second)
	}
	if r := m.Rate(); r < 950 || r > 1050 {
		t.Errorf("1,000 bytes each second are %v a second", r)
	}
	for range 8 {
		m.Add(0, time.Second)
	}
	if r := m.Rate(); r < 300 || r > 450 {
		t.Errorf("after eight seconds of nothing it says %v a second, want about a third", r)
	}
	m.Add(500_000, 1000*time.Second)
	if r := m.Rate(); r < 450 || r > 550 {
		t.Errorf("after a quarter of an hour with 500 bytes each second it says %v", r)
	}
	m.Add(-1_000_000, time.Second)
	if m.Rate() != 0 {
		t.Errorf("what was in vain makes %v a second", m.Rate())
	}
}

func TestGuessesGiveWay(t *testing.T) {
	m := Guess(1000, 5*time.Second)
	if m.Rate() != 1000 || !m.Knows(5*time.Second) || m.Knows(6*time.Second) {
		t.Fatalf("it begins with %v a second", m.Rate())
	}
	for range 30 {
		m.Add(10, time.Second)
	}
	if r := m.Rate(); r < 9 || r > 40 {
		t.Errorf("after 30 seconds with ten bytes each it says %v a second", r)
	}
}

func TestTimeOfBytes(t *testing.T) {
	for _, c := range []struct {
		bytes int64
		rate  float64
		want  time.Duration
	}{{0, 0, 0}, {1 << 20, 1 << 19, 2 * time.Second}, {1, 0, forever}, {1 << 40, 0.001, forever}} {
		if got := Time(c.bytes, c.rate); got != c.want {
			t.Errorf("%d bytes at %v a second take %v, want %v", c.bytes, c.rate, got, c.want)
		}
	}
}
