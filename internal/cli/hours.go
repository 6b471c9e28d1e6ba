package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
	_ "time/tzdata" // where the system has no zones, as in most containers

	"github.com/anthill-grid/anthill/worker/limits"
)

// hoursFlag is a set of spans of time.
type hoursFlag limits.Hours

// Set implements pflag.Value.
func (h *hoursFlag) Set(s string) error {
	hours, err := limits.ParseHours(s)
	if err == nil {
		err = checkZone(os.Getenv("TZ"))
	}
	if err == nil {
		*h = hoursFlag(hours)
	}
	return err
}

// checkZone refuses what Go would take for UTC without a word.
func checkZone(tz string) error {
	zone := strings.TrimPrefix(tz, ":")
	if filepath.IsAbs(zone) {
		if _, err := os.Stat(zone); err != nil {
			return fmt.Errorf("TZ is %q: %w", tz, err)
		}
		return nil
	}
	if _, err := time.LoadLocation(zone); err != nil {
		return fmt.Errorf("TZ is %q, which is no time zone that is known here; write it like Europe/Berlin", tz)
	}
	return nil
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
