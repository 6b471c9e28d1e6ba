package sdk

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/anthill-grid/anthill/jobs"
)

// Allowance is how many of a job's tasks may fail: so many, or a share of them, from 0 to
// 1. At most one of the two is set. In a job file it is a number of tasks such as 20, or
// a share such as 0.1 or 10%.
type Allowance struct {
	Tasks uint32
	Share float64
}

// ParseAllowance reads 20, 0.1 or 10%. What could be a number of tasks as well as a
// share, such as 1.0, is refused.
func ParseAllowance(s string) (Allowance, error) {
	text := strings.TrimSpace(s)
	number, percent := strings.CutSuffix(text, "%")
	if tasks, err := strconv.ParseUint(text, 10, 32); err == nil {
		return Allowance{Tasks: uint32(tasks)}, nil
	}
	share, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if percent {
		share /= 100
	}
	if err != nil || !(share >= 0 && share <= 1) || share == 1 && !percent {
		return Allowance{}, fmt.Errorf("%q is neither a number of tasks nor a share of them; write it like 20, or like 0.1 or 10%%", s)
	}
	return Allowance{Share: share}, nil
}

// UnmarshalJSON reads a number, or a string with a number or a percentage.
func (a *Allowance) UnmarshalJSON(data []byte) error {
	text := string(data)
	if text == "null" {
		return nil
	}
	if strings.HasPrefix(text, `"`) {
		if err := json.Unmarshal(data, &text); err != nil {
			return err
		}
	}
	value, err := ParseAllowance(text)
	if err == nil {
		*a = value
	}
	return err
}

// apply puts the allowance into a spec. However small a share is, it is one.
func (a Allowance) apply(spec *jobs.Spec) {
	spec.AllowFailed = a.Tasks
	if a.Share != 0 {
		spec.AllowFailedShare = max(1, jobs.Prob(math.Round(a.Share*float64(jobs.One))))
	}
}
