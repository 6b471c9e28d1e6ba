package limits

import (
	"errors"
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
	var n neighbours
	var c CPU
	now, second, busy := time.Unix(1e9, 0), 0, n.note(time.Unix(1e9, 0), c)
	for _, u := range list {
		for range u.seconds {
			second++
			now = now.Add(time.Second)
			c.Total += 4 * time.Second
			c.Own += time.Duration(u.own) * 4 * time.Second / 100
			c.Used += time.Duration(u.own+u.others) * 4 * time.Second / 100
			if got := n.note(now, c); got != busy {
				busy = got
				changes = append(changes, second)
			}
		}
	}
	return changes
}

func TestNeighbours(t *testing.T) {
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

func TestNeighboursAfterAGap(t *testing.T) {
	var n neighbours
	start := time.Unix(1e9, 0)
	n.note(start, CPU{Total: 100 * time.Second, Used: 50 * time.Second})
	if n.note(start.Add(time.Hour), CPU{Total: time.Second, Used: time.Second}) {
		t.Error("it took counters that began anew for a busy hour")
	}
	if !n.note(start.Add(time.Hour+busyWindow), CPU{Total: 6 * time.Second, Used: 6 * time.Second}) {
		t.Error("it did not go on from the new counters")
	}
}

func TestReasons(t *testing.T) {
	night, err := ParseHours("20:00-08:00")
	if err != nil {
		t.Fatal(err)
	}
	noon := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		yield   Yield
		battery bool
		used    time.Duration
		spent   error
		want    []string
	}{
		"it minds nothing":     {Yield{}, true, 10 * time.Second, nil, nil},
		"all is well":          {Yield{Battery: true, WhenIdle: true}, false, 0, nil, nil},
		"battery":              {Yield{Battery: true}, true, 0, nil, []string{"on battery (BAT0)"}},
		"hours":                {Yield{Hours: night}, true, 0, nil, []string{"outside of its hours, until 20:00"}},
		"busy":                 {Yield{WhenIdle: true}, true, 10 * time.Second, nil, []string{"the machine is busy"}},
		"the month's volume":   {Yield{}, false, 0, errors.New("the volume is used up"), []string{"the volume is used up"}},
		"all reasons together": {Yield{true, night, true}, true, 10 * time.Second, nil, []string{"on battery (BAT0)", "outside of its hours, until 20:00", IsBusy}},
	} {
		w := NewWatch(c.yield)
		w.Reasons(Readings{Now: noon, CPU: CPU{Total: time.Second}})
		got := w.Reasons(Readings{Now: noon.Add(10 * time.Second), Power: Power{Battery: c.battery, Supply: "BAT0", Charge: 57}, Spent: c.spent, CPU: CPU{Total: 11 * time.Second, Used: c.used}})
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		got = w.Reasons(Readings{Now: noon.Add(11 * time.Second)})
		if slices.Contains(got, IsBusy) {
			t.Errorf("%s: it is busy although that is not known any more", name)
		}
	}
}

func TestPowerIsTold(t *testing.T) {
	for want, p := range map[string]Power{
		"mains":                     {},
		"mains (AC)":                {Supply: "AC"},
		"battery":                   {Battery: true},
		"battery (BAT0)":            {Battery: true, Supply: "BAT0"},
		"battery (BAT0, BAT1, 7 %)": {Battery: true, Supply: "BAT0, BAT1", Charge: 7},
	} {
		if p.String() != want {
			t.Errorf("%+v: %q, want %q", p, p, want)
		}
	}
	w := NewWatch(Yield{Battery: true})
	if got := w.Reasons(Readings{Power: Power{Battery: true}}); !slices.Equal(got, []string{OnBattery}) {
		t.Errorf("a battery without a name: %q", got)
	}
}
