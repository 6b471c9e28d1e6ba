package sdk

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/anthill-grid/anthill/jobs"
)

// Fuel is an amount of work: a unit is about one WASM instruction. In a job file
// it is a number, or a number with a decimal suffix: 200M, 5G, 1.5T.
type Fuel uint64

// fuelUnits are powers of a thousand, ascending.
var fuelUnits = []struct {
	suffix string
	size   float64
}{{"k", 1e3}, {"M", 1e6}, {"G", 1e9}, {"T", 1e12}, {"P", 1e15}, {"E", 1e18}}

// ParseFuel reads an amount such as 200M, 5G, 1.5T or 1000.
func ParseFuel(s string) (Fuel, error) {
	number, unit := strings.TrimSpace(s), 1.0
	for _, u := range fuelUnits {
		if n := len(number) - len(u.suffix); n > 0 && strings.EqualFold(number[n:], u.suffix) {
			number, unit = strings.TrimSpace(number[:n]), u.size
			break
		}
	}
	if exact, err := strconv.ParseUint(number, 10, 64); err == nil && unit == 1 && exact <= jobs.MaxFuel {
		return Fuel(exact), nil
	}
	value, err := strconv.ParseFloat(number, 64)
	amount := value * unit
	if err != nil || math.IsNaN(amount) || amount < 0 || amount > jobs.MaxFuel || amount != math.Trunc(amount) {
		return 0, fmt.Errorf("%q is not an amount of fuel; write it like 200M, 5G or 1.5T", s)
	}
	return Fuel(amount), nil
}

// UnmarshalJSON reads a number or a string with a suffix.
func (f *Fuel) UnmarshalJSON(data []byte) error {
	text := string(data)
	if text == "null" {
		return nil
	}
	if strings.HasPrefix(text, `"`) {
		if err := json.Unmarshal(data, &text); err != nil {
			return err
		}
	}
	amount, err := ParseFuel(text)
	if err != nil {
		return err
	}
	*f = amount
	return nil
}

// String writes the amount in the largest unit that keeps it readable: 1.2 T.
func (f Fuel) String() string {
	for i := len(fuelUnits) - 1; i >= 0; i-- {
		if u := fuelUnits[i]; float64(f) >= u.size {
			return strconv.FormatFloat(math.Round(float64(f)/u.size*10)/10, 'f', -1, 64) + " " + u.suffix
		}
	}
	return strconv.FormatUint(uint64(f), 10)
}
