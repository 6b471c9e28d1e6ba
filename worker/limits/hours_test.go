package limits

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // for the hours of Berlin
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

// TestHoursAgreeWithTheirBeginnings walks through two weeks by the minute, over
// the end of summer time.
func TestHoursAgreeWithTheirBeginnings(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	h, err := ParseHours("mon-fri 20:00-08:00, sun 02:30-03:15, sat 23:00-24:00")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 10, 19, 12, 0, 0, 0, berlin)
	next, opened := h.Next(now), 0
	for end := now.AddDate(0, 0, 14); now.Before(end); now = now.Add(time.Minute) {
		if h.Open(now) && !h.Open(now.Add(-time.Minute)) {
			opened++
			if !now.Equal(next) {
				t.Errorf("it opened at %v, and said it would at %v", now, next)
			}
		}
		if !now.Before(next) {
			next = h.Next(now)
		}
	}
	if opened != 14 {
		t.Errorf("it opened %d times in two weeks, want 14", opened)
	}
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
