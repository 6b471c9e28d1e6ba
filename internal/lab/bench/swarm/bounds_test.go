package main

import (
	"math"
	"testing"
)

func TestBounds(t *testing.T) {
	const size, uplink = 64 << 20, 4e6
	one := size / uplink
	for _, c := range []struct {
		n            int
		fluid, piece float64
	}{{1, one, one}, {2, one, one * (1 + 1./256)}, {8, one, one * (1 + 3./256)}, {15, one, one * (1 + 3./256)}, {16, one, one * (1 + 4./256)}} {
		if got := fluidBound(size, uplink, c.n); math.Abs(got-c.fluid) > 1e-9 {
			t.Errorf("fluid bound of %d peers: %v, want %v", c.n, got, c.fluid)
		}
		if got := pieceBound(size, uplink, c.n); math.Abs(got-c.piece) > 1e-9 {
			t.Errorf("piece bound of %d peers: %v, want %v", c.n, got, c.piece)
		}
	}
}

func TestParseRate(t *testing.T) {
	for s, want := range map[string]rate{"32mbit": 32e6, "500kbit": 5e5, "1gbit": 1e9, "1.5mbit": 1.5e6} {
		if got, err := parseRate(s); err != nil || got != want {
			t.Errorf("%s: %v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "32", "mbit", "-1mbit", "32MB"} {
		if _, err := parseRate(s); err == nil {
			t.Errorf("%q is taken for a rate", s)
		}
	}
}
