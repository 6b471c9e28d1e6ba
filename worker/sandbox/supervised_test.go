package sandbox

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestLimitsCountProcessorTime lets time pass in which a child gets less of the
// processor, or more, than one thread can use.
func TestLimitsCountProcessorTime(t *testing.T) {
	const unknown = -1
	for _, c := range []struct {
		name    string
		passed  time.Duration
		cpu     time.Duration
		late    bool
		starved bool
	}{
		{"all the time", time.Second, time.Second, true, false},
		{"not yet", 999 * time.Millisecond, 999 * time.Millisecond, false, false},
		{"two threads", 999 * time.Millisecond, 1900 * time.Millisecond, false, false},
		{"a busy machine", 5 * time.Second, 900 * time.Millisecond, false, false},
		{"a very busy machine", 70 * time.Second, 900 * time.Millisecond, false, true},
		{"a very busy machine, at last", 70 * time.Second, time.Second, true, false},
		{"not known", time.Second, unknown, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				used := 7 * time.Second // for the tasks before
				r := &supervisedRun{task: Task{Time: time.Second}, timer: time.NewTimer(time.Hour)}
				r.cpu = func() (time.Duration, bool) { return used, c.cpu != unknown }
				r.begin()
				time.Sleep(c.passed)
				used += c.cpu
				if late, starved := r.left() <= 0, r.starved() != nil; late != c.late || starved != c.starved {
					t.Errorf("late %v, starved %v; want %v, %v", late, starved, c.late, c.starved)
				}
			})
		})
	}
}

// TestAStandstillUsesUpNoLimit: whoever stops this process stops its child with it, and a
// machine that sleeps both. The one who looks again finds much time gone.
func TestAStandstillUsesUpNoLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &supervisedRun{task: Task{Time: 10 * time.Second}, timer: time.NewTimer(time.Hour)}
		r.cpu = func() (time.Duration, bool) { return 0, false }
		r.begin()
		for range 25 {
			time.Sleep(90 * time.Second)
			r.look()
		}
		for range 9 {
			time.Sleep(stare)
			r.look()
		}
		if r.left() != time.Second || r.starved() != nil {
			t.Errorf("%v left after 9 s of 10, %v", r.left(), r.starved())
		}
		r.pause(true)
		time.Sleep(time.Hour)
		r.look()
		r.pause(false)
		time.Sleep(stare)
		if r.look(); r.left() > 0 {
			t.Errorf("%v left after all of it", r.left())
		}
	})
}
