package cli

import (
	"strings"

	"github.com/anthill-grid/anthill/worker/limits"
)

// hoursFlag is a set of spans of time.
type hoursFlag limits.Hours

// Set implements pflag.Value.
func (h *hoursFlag) Set(s string) error {
	hours, err := limits.ParseHours(s)
	if err == nil {
		*h = hoursFlag(hours)
	}
	return err
}

// String implements pflag.Value.
func (h *hoursFlag) String() string { return limits.Hours(*h).String() }

// Type implements pflag.Value.
func (h *hoursFlag) Type() string { return "hours" }

// describeYield says when a worker rests for its donor.
func describeYield(y limits.Yield) string {
	var when []string
	if y.Battery {
		when = append(when, "on mains")
	}
	if hours := y.Hours.String(); hours != "" {
		when = append(when, "at "+hours)
	}
	if y.WhenIdle {
		when = append(when, "while the machine is idle")
	}
	if len(when) == 0 {
		return ""
	}
	return ", only " + strings.Join(when, ", ")
}
