package limits

import (
	"slices"
	"testing"
	"time"
)

// usage is what goes on for some seconds: parts of four processors, in percent
// of the whole.
type usage struct {
	seconds, own, others int
}

// play notes every second and returns the seconds at which the answer changed.
func play(list []usage) (changes []int) {
	var l load
	var c CPU
	now, second, busy := time.Unix(1e9, 0), 0, l.note(time.Unix(1e9, 0), c)
	for _, u := range list {
		for range u.seconds {
			second++
			now = now.Add(time.Second)
			c.Total += 4 * time.Second
			c.Own += time.Duration(u.own) * 4 * time.Second / 100
			c.Used += time.Duration(u.own+u.others) * 4 * time.Second / 100
			if got := l.note(now, c); got != busy {
				busy = got
				changes = append(changes, second)
			}
		}
	}
	return changes
}

func TestLoad(t *testing.T) {
	for name, c := range map[string]struct {
		play []usage
		want []int
	}{
		"nobody":                       {[]usage{{100, 0, 0}}, nil},
		"the worker alone":             {[]usage{{100, 75, 0}, {100, 0, 0}, {100, 100, 0}}, nil},
		"a quarter is quiet":           {[]usage{{100, 75, 25}}, nil},
		"more than a quarter":          {[]usage{{10, 74, 0}, {60, 74, 26}}, []int{15}},
		"all of it is noticed sooner":  {[]usage{{10, 0, 0}, {60, 0, 100}}, []int{12}},
		"busy from the start":          {[]usage{{60, 0, 50}}, []int{5}},
		"a second's peak":              {[]usage{{10, 50, 0}, {1, 0, 100}, {60, 50, 0}}, nil},
		"thirty seconds of quiet":      {[]usage{{10, 0, 40}, {60, 0, 10}}, []int{5, 42}},
		"the pause itself is no quiet": {[]usage{{10, 60, 40}, {100, 0, 40}}, []int{5}},
		"the quiet is broken":          {[]usage{{10, 0, 40}, {25, 0, 0}, {5, 0, 40}, {60, 0, 0}}, []int{5, 71}},
		"own time is seen too late":    {[]usage{{10, 50, 0}, {1, 20, 30}, {1, 80, -30}, {60, 50, 0}}, nil},
	} {
		if got := play(c.play); !slices.Equal(got, c.want) {
			t.Errorf("%s: it changed at %v, want %v", name, got, c.want)
		}
	}
}

func TestLoadAfterAGap(t *testing.T) {
	var l load
	start := time.Unix(1e9, 0)
	l.note(start, CPU{Total: 100 * time.Second, Used: 50 * time.Second})
	if l.note(start.Add(time.Hour), CPU{Total: time.Second, Used: time.Second}) {
		t.Error("it took counters that began again for a busy hour")
	}
	if !l.note(start.Add(time.Hour+busyWindow), CPU{Total: 6 * time.Second, Used: 6 * time.Second}) {
		t.Error("it did not go on from the new counters")
	}
}
