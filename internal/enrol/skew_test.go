package enrol

import (
	"testing"
	"time"
)

func TestSkew(t *testing.T) {
	const day = 24 * time.Hour
	for ahead, want := range map[time.Duration]string{
		-25 * time.Hour:                "25 h behind the grid's",
		25*time.Hour + 200*time.Second: "25 h ahead of the grid's",
		31 * time.Second:               "31 s ahead of the grid's",
		-90 * time.Minute:              "90 min behind the grid's",
		-30 * day:                      "30 days behind the grid's",
		-20756 * day:                   "57 years behind the grid's", // 1970-01-01, on 2026-11-29
		73 * 365 * day:                 "73 years ahead of the grid's",
	} {
		if s := Skew(ahead); s.String() != want || !s.IsWrong() {
			t.Errorf("%v: %q, wrong %v, want %q", ahead, s, s.IsWrong(), want)
		}
	}
	now := time.Now()
	for _, ahead := range []time.Duration{0, 10 * time.Second, -30 * time.Second} {
		if s := SkewOf(now.Add(ahead), now); s.IsWrong() {
			t.Errorf("%v is wrong", ahead)
		}
	}
}
