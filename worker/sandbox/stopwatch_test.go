package sandbox

import (
	"testing"
	"time"
)

func TestStopwatchDoesNotCountPauses(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	var w stopwatch
	check := func(now, elapsed, rested int) {
		t.Helper()
		if e, r := w.elapsed(at(now)), w.rested(at(now)); e != time.Duration(elapsed)*time.Second || r != time.Duration(rested)*time.Second {
			t.Errorf("at %d: elapsed %v, rested %v; want %d s and %d s", now, e, r, elapsed, rested)
		}
	}
	w.start(at(100), false)
	check(105, 5, 0)
	w.pause(at(110))
	w.pause(at(112)) // it stands already
	check(150, 10, 40)
	w.resume(at(160))
	w.resume(at(161)) // it goes already
	check(163, 13, 50)
	w.pause(at(163))
	check(170, 13, 57)

	w.start(at(200), true)
	check(210, 0, 10)
	w.resume(at(220))
	check(221, 1, 20)
	w.skip(90 * time.Second)
	check(312, 2, 110)
	w.pause(at(312))
	w.skip(time.Minute) // it stands already
	check(313, 2, 111)
}
