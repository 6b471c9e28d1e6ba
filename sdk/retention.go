package sdk

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Retention is for how long something is kept. In a job file it is written like 12h, or in
// days, like 30d.
type Retention time.Duration

// day is one of 24 hours.
const day = 24 * time.Hour

// ParseRetention reads a retention such as 30d, 12h or 1h30m.
func ParseRetention(s string) (Retention, error) {
	d, err := time.ParseDuration(s)
	if days, ok := strings.CutSuffix(s, "d"); ok {
		var n uint64
		n, err = strconv.ParseUint(days, 10, 16) // of days, that is 179 years
		d = time.Duration(n) * day
	}
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%q is not a time; write it like 30d or 12h", s)
	}
	return Retention(d), nil
}

// UnmarshalJSON reads a retention as it is written. A bare number has no unit and is
// refused.
func (r *Retention) UnmarshalJSON(data []byte) (err error) {
	if string(data) == "null" {
		return nil
	}
	var text string
	if json.Unmarshal(data, &text) != nil {
		text = string(data)
	}
	*r, err = ParseRetention(text)
	return err
}
