package worker

import (
	"testing"
	"time"
)

func TestTheTallyKeepsADay(t *testing.T) {
	var tally tally
	began := time.Date(2026, 11, 25, 3, 1, 0, 0, time.UTC)
	for i := range 2 * 24 * 60 { // two days, an attempt a minute
		tally.add(10, began.Add(time.Duration(i)*time.Minute))
	}
	list := tally.list()
	if n := len(list); n < 287 || n > 289 {
		t.Fatalf("%d entries for a day", n)
	}
	if w := list[100]; w.Attempts != 5 || w.Fuel != 50 || w.From.Minute()%5 != 0 {
		t.Errorf("got %+v; want five attempts", w)
	}
	tally.add(1, began)
	if last := tally.list()[len(list)-1]; last.Fuel > 51 || !last.From.After(began) {
		t.Errorf("a clock that was set back makes %+v", last)
	}
}
