package limits

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // for the hours of Berlin

	"pgregory.net/rapid"
)

// at is a time of the week of Monday 2026-11-23, such as "Wed 07:59".
func at(t *testing.T, text string) time.Time {
	t.Helper()
	clock, err := time.Parse("Mon 15:04", text)
	if err != nil {
		t.Fatal(err)
	}
	for day := 23; day < 30; day++ {
		when := time.Date(2026, 11, day, clock.Hour(), clock.Minute(), 0, 0, time.UTC)
		if when.Format("Mon") == text[:3] {
			return when
		}
	}
	t.Fatalf("no day %q", text)
	return time.Time{}
}

func TestHours(t *testing.T) {
	for _, c := range []struct{ hours, now, want string }{ // want is "" while open
		{"20:00-08:00", "Wed 19:59", "20:00"},
		{"20:00-08:00", "Wed 20:00", ""},
		{"20:00-08:00", "Thu 00:00", ""},
		{"20:00-08:00", "Thu 07:59", ""},
		{"20:00-08:00", "Thu 08:00", "20:00"},
		{"12:00-13:00,20:00-24:00", "Mon 12:30", ""},
		{"12:00-13:00, 20:00-24:00", "Mon 13:00", "20:00"},
		{"12:00-13:00, 20:00-24:00", "Mon 23:59", ""},
		{"12:00-13:00, 20:00-24:00", "Tue 00:00", "12:00"},
		{"12:00-13:00, 12:30-14:00", "Tue 13:30", ""},
		{"mon-fri 20:00-08:00", "Mon 07:00", "Mon 20:00"}, // Sunday's night is not lent
		{"mon-fri 20:00-08:00", "Sat 07:00", ""},          // Friday's is
		{"mon-fri 20:00-08:00", "Sat 08:00", "Mon 20:00"},
		{"MON-Fri 20:00-08:00,sat-sun 00:00-24:00", "Sun 12:00", ""},
		{"mon-fri 20:00-08:00, sat-sun 00:00-24:00", "Mon 00:00", "Mon 20:00"},
		{"sat-mon 10:00-11:00", "Mon 10:30", ""},
		{"sat-mon 10:00-11:00", "Tue 10:30", "Sat 10:00"},
		{"wed 10:00-11:00", "Wed 11:00", "Wed 10:00"},
	} {
		h, err := ParseHours(c.hours)
		if err != nil {
			t.Fatal(err)
		}
		now := at(t, c.now)
		if h.Open(now) != (c.want == "") {
			t.Errorf("%s: open %v at %s", c.hours, h.Open(now), c.now)
		}
		if got := h.closed(now); c.want != "" && got != "outside of its hours, until "+c.want {
			t.Errorf("%s at %s: %s, want %s", c.hours, c.now, got, c.want)
		}
	}
	if h := (Hours{}); !h.Open(time.Now()) || h.String() != "" {
		t.Error("no hours are not always")
	}
}

// TestHoursByTheClockOnTheWall is of nights in which that is put forward or back.
func TestHoursByTheClockOnTheWall(t *testing.T) {
	for _, c := range []struct{ zone, hours, now, want string }{ // want is "" while open
		// 02:00 to 03:00 is not shown on 2026-03-29.
		{"Europe/Berlin", "01:00-02:30", "2026-03-29T00:59:59Z", ""},
		{"Europe/Berlin", "01:00-02:30", "2026-03-29T01:00:00Z", "2026-03-30T01:00+02:00"},
		{"Europe/Berlin", "01:00-02:30", "2026-03-29T01:15:00Z", "2026-03-30T01:00+02:00"}, // 03:15
		{"Europe/Berlin", "02:30-04:00", "2026-03-29T00:59:00Z", "2026-03-29T03:00+02:00"},
		{"Europe/Berlin", "02:30-04:00", "2026-03-29T01:00:00Z", ""},
		{"Europe/Berlin", "02:15-02:45", "2026-03-28T20:00:00Z", "2026-03-30T02:15+02:00"},
		{"Europe/Berlin", "sun 02:15-02:45", "2026-03-28T20:00:00Z", "2026-04-05T02:15+02:00"},
		// 02:00 to 03:00 is shown twice on 2026-10-25.
		{"Europe/Berlin", "20:00-02:30", "2026-10-25T00:15:00Z", ""}, // 02:15
		{"Europe/Berlin", "20:00-02:30", "2026-10-25T00:45:00Z", "2026-10-25T02:00+01:00"},
		{"Europe/Berlin", "20:00-02:30", "2026-10-25T01:15:00Z", ""}, // 02:15 again
		{"Europe/Berlin", "20:00-02:30", "2026-10-25T01:30:00Z", "2026-10-25T20:00+01:00"},
		// There is no midnight on the first day of summer time.
		{"America/Havana", "00:00-24:00", "2026-03-08T05:00:00Z", ""}, // 01:00
		{"America/Havana", "sun 00:00-24:00", "2026-03-08T04:59:00Z", "2026-03-08T01:00-04:00"},
		{"America/Havana", "sun 00:00-24:00", "2026-03-08T05:00:00Z", ""},
		{"America/Havana", "sun 00:00-24:00", "2026-03-09T04:00:00Z", "2026-03-15T00:00-04:00"},
		{"America/Havana", "sat 20:00-00:30", "2026-03-08T05:00:00Z", "2026-03-14T20:00-04:00"},
		{"America/Sao_Paulo", "sun 00:00-24:00", "2018-11-04T02:59:00Z", "2018-11-04T01:00-02:00"},
		{"America/Sao_Paulo", "sun 00:00-24:00", "2018-11-04T03:00:00Z", ""},
		{"America/Sao_Paulo", "00:00-00:30", "2018-11-04T03:00:00Z", "2018-11-05T00:00-02:00"},
		// Half an hour only.
		{"Australia/Lord_Howe", "02:10-02:20", "2026-10-03T14:00:00Z", "2026-10-05T02:10+11:00"},
		// Samoa had no 30 December 2011, a Friday.
		{"Pacific/Apia", "fri 10:00-11:00", "2011-12-29T10:00:00Z", "2012-01-06T10:00+14:00"},
		{"Pacific/Apia", "00:00-24:00", "2011-12-30T10:00:00Z", ""},
	} {
		h, now := parse(t, c.hours), when(t, c.zone, c.now)
		if h.Open(now) != (c.want == "") {
			t.Errorf("%s in %s: open %v at %v", c.hours, c.zone, h.Open(now), now)
		}
		if c.want != "" && h.Next(now).Format("2006-01-02T15:04Z07:00") != c.want {
			t.Errorf("%s in %s: at %v it opens at %v, want %s", c.hours, c.zone, now, h.Next(now), c.want)
		}
	}
}

func parse(t testing.TB, hours string) Hours {
	t.Helper()
	h, err := ParseHours(hours)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func when(t *testing.T, zone, text string) time.Time {
	t.Helper()
	location, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	now, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return now.In(location)
}

// dumb says the same as Open, from the text and the digits on the wall alone.
func dumb(spans [][3]string, wall string) bool { // wall is such as "sun 01:00"
	yesterday := weekdays[(slices.Index(weekdays, wall[:3])+6)%7]
	return slices.ContainsFunc(spans, func(s [3]string) bool {
		day, from, to, clock := s[0], s[1], s[2], wall[4:]
		onDay := func(d string) bool { return day == "" || day == d }
		if from < to {
			return onDay(wall[:3]) && from <= clock && clock < to
		}
		return onDay(wall[:3]) && from <= clock || onDay(yesterday) && clock < to
	})
}

// TestHoursAgreeWithADumbVersion holds in all zones and times: the machine is lent when
// the digits on the wall say so, and Next is the first minute of that.
func TestHoursAgreeWithADumbVersion(t *testing.T) {
	zones := []string{"UTC", "Europe/Berlin", "America/Havana", "America/Sao_Paulo", "Asia/Beirut", "Africa/Cairo", "Asia/Tehran",
		"Australia/Lord_Howe", "Pacific/Apia", "Pacific/Kwajalein", "America/St_Johns", "Asia/Kathmandu", "Africa/Casablanca", "Antarctica/Troll", "America/Scoresbysund"}
	clock := func(t *rapid.T, last int) string {
		m := 15 * rapid.IntRange(0, last).Draw(t, "quarter")
		return fmt.Sprintf("%02d:%02d", m/60, m%60)
	}
	rapid.Check(t, func(t *rapid.T) {
		var spans [][3]string
		var texts []string
		for range rapid.IntRange(1, 3).Draw(t, "spans") {
			day := rapid.SampledFrom(append([]string{""}, weekdays...)).Draw(t, "day")
			from, to := clock(t, 95), clock(t, 96)
			if from == to {
				to = "24:00"
			}
			spans = append(spans, [3]string{day, from, to})
			texts = append(texts, strings.TrimSpace(day+" "+from+"-"+to))
		}
		h, err := ParseHours(strings.Join(texts, ","))
		if err != nil {
			t.Fatal(err)
		}
		location, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		now := time.Date(rapid.IntRange(1990, 2030).Draw(t, "year"), 1, 1, 0, 15*rapid.IntRange(0, 366*96).Draw(t, "quarters"), 0, 0, time.UTC).In(location)
		if rapid.Bool().Draw(t, "near a change") {
			if _, end := now.ZoneBounds(); !end.IsZero() {
				now = end.Add(time.Duration(rapid.IntRange(-48, 8).Draw(t, "quarters from it")) * 15 * time.Minute)
			}
		}
		now = now.Truncate(15 * time.Minute)
		open := func(at time.Time) bool { return dumb(spans, strings.ToLower(at.Format("Mon 15:04"))) }
		if h.Open(now) != open(now) {
			t.Fatalf("%v at %v: open %v", h, now, h.Open(now))
		}
		if open(now) {
			return
		}
		want := now
		for !open(want) {
			want = want.Add(time.Minute)
		}
		if got := h.Next(now); !got.Equal(want) {
			t.Fatalf("%v at %v opens at %v, want %v", h, now, got, want)
		}
	})
}

func TestHoursThatAreNone(t *testing.T) {
	for text, want := range map[string]string{
		"":                     "a beginning and an end",
		"20:00":                `"20:00" has no end`,
		"20-08":                `"20" is not a time of day`,
		"20:00-25:00":          `"25:00" is not a time of day`,
		"24:00-08:00":          `"24:00-08:00" is empty`,
		"08:00-08:00":          "a whole day is 00:00-24:00",
		"20:00-08:00,":         "a beginning and an end",
		"fry 20:00-08:00":      `"fry" is not a day of the week`,
		"mon- 20:00-08:00":     `"mon-" is not a day of the week`,
		"mon fri 20:00-08:00":  "a beginning and an end",
		"20:00-08:00 mon-fri":  `"20:00-08:00" is not a day of the week`,
		"mon,tue 20:00-08:00":  `"mon" has no end`,
		"20:00-08:00-12:00":    `"08:00-12:00" is not a time of day`,
		"20:00 - 08:00":        "a beginning and an end",
		"sat-sun 00:00-24:00;": `"24:00;" is not a time of day`,
	} {
		_, err := ParseHours(text)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "write them like") {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}
