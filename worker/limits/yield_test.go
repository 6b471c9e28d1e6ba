package limits

import (
	"errors"
	"slices"
	"testing"
	"time"
)

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
