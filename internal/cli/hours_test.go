package cli

import (
	"strings"
	"testing"
)

func TestHoursNeedAZoneThatIsKnown(t *testing.T) {
	for tz, want := range map[string]string{
		"": "", "UTC": "", "Europe/Berlin": "", ":America/Havana": "",
		"Mars/Phobos":                 `TZ is "Mars/Phobos", which is no time zone`,
		"CET-1CEST,M3.5.0,M10.5.0/3":  "which is no time zone",
		"/nowhere/zoneinfo/Mars":      "no such file",
		":/nowhere/zoneinfo/Atlantis": "no such file",
	} {
		t.Setenv("TZ", tz)
		var h hoursFlag
		err := h.Set("20:00-08:00")
		if want == "" && (err != nil || h.String() == "") || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("TZ=%s: %v, want %q", tz, err, want)
		}
	}
}
