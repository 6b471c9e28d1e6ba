package sdk

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// unit is what a number may be followed by.
type unit struct {
	suffix string
	size   float64
}

// parseQuantity reads a number with one of the units or with none. They are
// tried in their order, in any case of letters. ok is false for what is not a whole
// number from 0 to most.
func parseQuantity(s string, units []unit, most uint64) (amount uint64, ok bool) {
	number, size := strings.TrimSpace(s), 1.0
	for _, u := range units {
		if n := len(number) - len(u.suffix); n > 0 && strings.EqualFold(number[n:], u.suffix) {
			number, size = strings.TrimSpace(number[:n]), u.size
			break
		}
	}
	if exact, err := strconv.ParseUint(number, 10, 64); err == nil && size == 1 {
		return exact, exact <= most
	}
	value, err := strconv.ParseFloat(number, 64)
	value *= size
	if err != nil || math.IsNaN(value) || value < 0 || value >= float64(most) || value != math.Trunc(value) {
		return 0, false
	}
	return uint64(value), true
}

// formatQuantity writes an amount to one decimal place in the largest of the
// units that is not larger than it; they descend. It is false if all are larger.
func formatQuantity(amount float64, units []unit) (text string, ok bool) {
	for _, u := range units {
		if amount >= u.size {
			return strconv.FormatFloat(math.Round(amount/u.size*10)/10, 'f', -1, 64) + " " + u.suffix, true
		}
	}
	return "", false
}

// unmarshalQuantity reads a JSON number, or a string with a unit. null changes
// nothing.
func unmarshalQuantity[T any](data []byte, into *T, parse func(string) (T, error)) error {
	text := string(data)
	if text == "null" {
		return nil
	}
	if strings.HasPrefix(text, `"`) {
		if err := json.Unmarshal(data, &text); err != nil {
			return err
		}
	}
	amount, err := parse(text)
	if err == nil {
		*into = amount
	}
	return err
}
