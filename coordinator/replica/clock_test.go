package replica

import (
	"testing"
	"time"

	"github.com/anthill-grid/anthill/jobs"
)

const month = 30 * 24 * time.Hour

// tell plays readings: at each second of elapsed time the wall clock is off by
// what skew says, and the state has reached the time that was told before.
func tell(c *clock, from, to int, skew func(second int) time.Duration) jobs.Time {
	var told jobs.Time
	for s := from; s <= to; s++ {
		e := time.Duration(s) * time.Second
		told = c.now(reading{jobs.Time(0).Add(e + skew(s)), e}, told)
	}
	return told
}

// off is how far a time is ahead of the right one at a second.
func off(t jobs.Time, second int) time.Duration {
	return duration(t - jobs.Time(0).Add(time.Duration(second)*time.Second))
}

func TestClockGoesOnFromTheState(t *testing.T) {
	var c clock
	for _, step := range []struct{ wall, elapsed, reached, want int64 }{
		{1000, 1000, 0, 1000},
		{1100, 1100, 900, 1100},
		{1200, 1200, 5000, 5000}, // the last leader's clock was ahead
		{1300, 1300, 5000, 5100}, // and time goes on from there
		{1400, 1400, 5150, 5200},
	} {
		r := reading{jobs.Time(step.wall), time.Duration(step.elapsed) * time.Millisecond}
		if got := c.now(r, jobs.Time(step.reached)); got != jobs.Time(step.want) {
			t.Errorf("at %d, with the state at %d: %d, want %d", step.wall, step.reached, got, step.want)
		}
	}
}

func TestOneLeapOfTheClockMovesNothing(t *testing.T) {
	for _, leap := range []time.Duration{month, -month, time.Hour, 2 * time.Second, -2 * time.Second} {
		var c clock
		got := tell(&c, 0, 100, func(s int) time.Duration {
			if s >= 10 && s < 14 || s >= 20 && s < 24 {
				return leap
			}
			return 0
		})
		if d := off(got, 100); d != 0 {
			t.Errorf("two leaps of %v: the grid's time is off by %v", leap, d)
		}
	}
}

// NTP's small steps are followed, and do not add up.
func TestSmallStepsDoNotAddUp(t *testing.T) {
	var c clock
	got := tell(&c, 0, 1000, func(s int) time.Duration { return time.Duration(s%2) * 400 * time.Millisecond })
	if d := off(got, 1000); d > 400*time.Millisecond {
		t.Errorf("off by %v", d)
	}
}

func TestAStepThatLastsIsFollowedByALoneVoter(t *testing.T) {
	set := func(s int) time.Duration {
		if s < 100 {
			return 0
		}
		return time.Hour
	}
	var c clock
	told := tell(&c, 0, 600, set)
	if d := off(told, 600); d != 0 {
		t.Errorf("followed after eight minutes: off by %v", d)
	}
	if d := off(tell(&c, 601, 900, set), 900); d != time.Hour {
		t.Errorf("after thirteen minutes: off by %v, want an hour", d)
	}
}

func TestTheMedianOfTheVotersDecides(t *testing.T) {
	always := func(d time.Duration) func(int) time.Duration { return func(int) time.Duration { return d } }
	for _, test := range []struct {
		name  string
		own   time.Duration
		ahead []time.Duration // of this clock
		want  time.Duration   // off from the right time
	}{
		{"alone", time.Hour, nil, time.Hour},
		{"ahead of two", month, []time.Duration{-month, -month}, 0},
		{"behind two", -month, []time.Duration{month, month}, 0},
		{"one of two others is ahead", 0, []time.Duration{month, 0}, 0},
		{"two of three others are ahead", 0, []time.Duration{month, month, 0}, 0},
		{"small differences stay", time.Second, []time.Duration{-time.Second, -time.Second}, time.Second},
		{"of two the earlier", month, []time.Duration{-month}, 0},
		{"of two the earlier, which is this", 0, []time.Duration{month}, 0},
	} {
		var c clock
		c.heed(reading{jobs.Time(0).Add(test.own), 0}, test.ahead)
		if d := off(tell(&c, 0, 1000, always(test.own)), 1000); d != test.want {
			t.Errorf("%s: the grid's time is off by %v, want %v", test.name, d, test.want)
		}
	}
}
