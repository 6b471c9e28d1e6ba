package jobs

import (
	"math"
	"testing"
)

func TestRange(t *testing.T) {
	tests := []struct {
		r     Range
		tasks int64
		last  string
	}{
		{Range{0, 10, 5}, 2, "5 10\n"},
		{Range{0, 11, 5}, 3, "10 11\n"},
		{Range{-7, -1, 4}, 2, "-3 -1\n"},
		{Range{0, 1, math.MaxInt64}, 1, "0 1\n"},
		{Range{math.MinInt64, math.MaxInt64, math.MaxInt64}, 3, "9223372036854775806 9223372036854775807\n"},
		{Range{5, 5, 1}, 0, ""},
		{Range{5, 4, 1}, 0, ""},
		{Range{0, 5, -1}, 0, ""},
		{Range{math.MinInt64, math.MaxInt64, 1}, math.MaxInt64, ""},
	}
	for _, test := range tests {
		if n := (Input{Range: &test.r}).Tasks(); n != test.tasks {
			t.Errorf("%+v: %d tasks, want %d", test.r, n, test.tasks)
		} else if test.last != "" && test.r.Line(Index(n-1)) != test.last {
			t.Errorf("%+v: last line %q, want %q", test.r, test.r.Line(Index(n-1)), test.last)
		}
	}
}
