package sdk

import (
	"fmt"
	"strconv"

	"github.com/anthill-grid/anthill/jobs"
)

// Fuel is an amount of work: a unit is about one WASM instruction. In a job file
// it is a number, or a number with a decimal suffix: 200M, 5G, 1.5T.
type Fuel uint64

// fuelUnits are powers of a thousand, descending.
var fuelUnits = []unit{{"E", 1e18}, {"P", 1e15}, {"T", 1e12}, {"G", 1e9}, {"M", 1e6}, {"k", 1e3}}

// ParseFuel reads an amount such as 200M, 5G, 1.5T or 1000.
func ParseFuel(s string) (Fuel, error) {
	amount, ok := parseQuantity(s, fuelUnits, jobs.MaxFuel)
	if !ok {
		return 0, fmt.Errorf("%q is not an amount of fuel; write it like 200M, 5G or 1.5T", s)
	}
	return Fuel(amount), nil
}

// UnmarshalJSON reads a number or a string with a suffix.
func (f *Fuel) UnmarshalJSON(data []byte) error {
	return unmarshalQuantity(data, f, ParseFuel)
}

// String writes the amount in the largest unit that keeps it readable: 1.2 T.
func (f Fuel) String() string {
	if text, ok := formatQuantity(float64(f), fuelUnits); ok {
		return text
	}
	return strconv.FormatUint(uint64(f), 10)
}
