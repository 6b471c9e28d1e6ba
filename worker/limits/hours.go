package limits

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Hours are the times of the week at which a machine is lent, by its own clock.
// The zero value means always.
type Hours struct {
	text  string
	spans []span
}

// span is one stretch of time that begins on each of its days.
type span struct {
	days     [7]bool // by time.Weekday
	from, to int     // minutes after midnight; a to before from is on the next day
}

const dayMinutes = 24 * 60

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// ParseHours reads spans that are separated by commas, such as "20:00-08:00" or
// "mon-fri 20:00-08:00, sat-sun 00:00-24:00". Days are those on which a span
// begins; without them it begins on all.
func ParseHours(text string) (Hours, error) {
	h := Hours{text: strings.Join(strings.Fields(text), " ")}
	for part := range strings.SplitSeq(strings.ToLower(text), ",") {
		s, err := parseSpan(strings.Fields(part))
		if err != nil {
			return Hours{}, fmt.Errorf("%q is not a list of hours: %w; write them like 20:00-08:00 or mon-fri 20:00-08:00", text, err)
		}
		h.spans = append(h.spans, s)
	}
	return h, nil
}

func parseSpan(words []string) (s span, err error) {
	days := "sun-sat"
	if len(words) == 2 {
		days, words = words[0], words[1:]
	}
	if len(words) != 1 {
		return s, fmt.Errorf("a span has a beginning and an end")
	}
	if s.days, err = parseDays(days); err != nil {
		return s, err
	}
	from, to, ok := strings.Cut(words[0], "-")
	if !ok {
		return s, fmt.Errorf("%q has no end", words[0])
	}
	if s.from, err = parseMinute(from); err != nil {
		return s, err
	}
	if s.to, err = parseMinute(to); err != nil {
		return s, err
	}
	if s.from == s.to || s.from == dayMinutes {
		return s, fmt.Errorf("%q is empty, and a whole day is 00:00-24:00", words[0])
	}
	return s, nil
}

// parseDays reads a day or a range of them, which may go over the week's end.
func parseDays(text string) (days [7]bool, err error) {
	first, last, isRange := strings.Cut(text, "-")
	if !isRange {
		last = first
	}
	d, end := slices.Index(weekdays, first), slices.Index(weekdays, last)
	if d < 0 || end < 0 {
		return days, fmt.Errorf("%q is not a day of the week", text)
	}
	for ; d != end; d = (d + 1) % 7 {
		days[d] = true
	}
	days[end] = true
	return days, nil
}

// parseMinute reads a time of day; 24:00 is the end of the day.
func parseMinute(text string) (int, error) {
	if text == "24:00" {
		return dayMinutes, nil
	}
	t, err := time.Parse("15:04", text)
	if err != nil {
		return 0, fmt.Errorf("%q is not a time of day", text)
	}
	return t.Hour()*60 + t.Minute(), nil
}

// String is what ParseHours read.
func (h Hours) String() string { return h.text }

// Open says whether the machine is lent at t, in t's time zone. What counts is what the
// clock on the wall shows: hours that it shows twice, at the end of summer time, are lent
// twice or not at all.
func (h Hours) Open(t time.Time) bool {
	return len(h.spans) == 0 || slices.ContainsFunc(h.spans, func(s span) bool { return s.covers(t) })
}

// Next is the first time after t, at which the machine is not lent, from which on it is.
// It is zero if there is none because the machine is lent always.
func (h Hours) Next(t time.Time) time.Time {
	if len(h.spans) == 0 {
		return time.Time{}
	}
	for {
		next := h.nextInZone(t)
		_, end := t.ZoneBounds()
		if end.IsZero() || next.Before(end) {
			return next
		}
		if h.Open(end) {
			return end // the clock was put past a beginning
		}
		t = end
	}
}

// nextInZone is Next if the clock is never put forward or back. A week has one of the
// beginnings.
func (h Hours) nextInZone(t time.Time) time.Time {
	_, offset := t.Zone()
	wall := t.In(time.FixedZone("", offset))
	var next time.Time
	for _, s := range h.spans {
		for day := range 8 {
			begin := minute(wall, day, s.from)
			if s.days[begin.Weekday()] && begin.After(t) && (next.IsZero() || begin.Before(next)) {
				next = begin
			}
		}
	}
	return next.In(t.Location())
}

// closed says until when the machine is not lent. The text is the same for all
// of that time.
func (h Hours) closed(t time.Time) string {
	layout := "15:04"
	if slices.ContainsFunc(h.spans, func(s span) bool { return s.days != [7]bool{true, true, true, true, true, true, true} }) {
		layout = "Mon 15:04"
	}
	return "outside of its hours, until " + h.Next(t).Format(layout)
}

func (s span) covers(t time.Time) bool {
	now, today := t.Hour()*60+t.Minute(), t.Weekday()
	if s.from < s.to {
		return s.days[today] && s.from <= now && now < s.to
	}
	yesterday := (today + 6) % 7
	return s.days[today] && s.from <= now || s.days[yesterday] && now < s.to
}

// minute is a time of day so many days after t's.
func minute(t time.Time, days, minutes int) time.Time {
	year, month, day := t.Date()
	return time.Date(year, month, day+days, 0, minutes, 0, 0, t.Location())
}
