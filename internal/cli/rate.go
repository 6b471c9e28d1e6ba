package cli

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/anthill-grid/anthill/sdk"
)

// rateFlag is a number of bytes a second.
type rateFlag int64

// minRate is the least that a line may be told to carry. What is below it was meant in
// another unit: no task's data would move.
const minRate = 1 << 10

// rateScales are what a unit of a rate may begin with, in small letters.
var rateScales = map[string]float64{
	"": 1, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12,
	"ki": 1 << 10, "mi": 1 << 20, "gi": 1 << 30, "ti": 1 << 40,
}

// Set implements pflag.Value. Lines are sold by the bit and programs count bytes, so a
// rate must say which it means: a small b is a bit, as "bit" is, and a big B a byte.
func (r *rateFlag) Set(s string) error {
	number, unit := splitUnit(s)
	amount, err := strconv.ParseFloat(number, 64)
	if err != nil || amount <= 0 {
		return notARate(s)
	}
	if unit == "" {
		return fmt.Errorf("%q has no unit; write %smbit for megabits or %sMiB for mebibytes a second", s, number, number)
	}
	scale, err := rateUnit(unit)
	if err != nil {
		return fmt.Errorf("%q is not a rate: %w", s, err)
	}
	bytes := amount * scale
	if bytes < minRate {
		return fmt.Errorf("%q is less than %v a second, with which no task's data would come or go", s, sdk.Size(minRate))
	}
	if bytes >= 1<<50 {
		return notARate(s)
	}
	*r = rateFlag(bytes)
	return nil
}

func notARate(s string) error {
	return fmt.Errorf("%q is not a rate; write it like 10mbit or 1MiB/s", s)
}

// splitUnit parts the number from what is behind it.
func splitUnit(s string) (number, unit string) {
	s = strings.TrimSpace(s)
	unit = strings.TrimLeft(s, "0123456789.")
	return s[:len(s)-len(unit)], strings.TrimSpace(unit)
}

// rateUnit is how many bytes a second a unit is.
func rateUnit(unit string) (float64, error) {
	name, isAbbreviated := strings.CutSuffix(unit, "ps") // as in Mbps
	name = strings.TrimSuffix(name, "/s")
	prefix, bytes := name, 0.0
	switch {
	case len(name) >= 3 && strings.EqualFold(name[len(name)-3:], "bit"):
		prefix, bytes = name[:len(name)-3], 1.0/8
	case strings.HasSuffix(name, "b"):
		prefix, bytes = name[:len(name)-1], 1.0/8
		if prefix == strings.ToLower(prefix) && !isAbbreviated {
			return 0, fmt.Errorf("%q may be bits or bytes; write %[2]sbit or %[3]sB", unit, prefix, strings.ToUpper(prefix))
		}
	case strings.HasSuffix(name, "B"):
		prefix, bytes = name[:len(name)-1], 1
	}
	scale, ok := rateScales[strings.ToLower(prefix)]
	if !ok || bytes == 0 {
		return 0, fmt.Errorf("%q is no unit; write it like 10mbit or 1MiB/s", unit)
	}
	return scale * bytes, nil
}

// String implements pflag.Value.
func (r *rateFlag) String() string {
	if *r == 0 {
		return ""
	}
	return sdk.Size(*r).String() + "/s"
}

// Type implements pflag.Value.
func (r *rateFlag) Type() string { return "rate" }

// sizeFlag is a number of bytes, written as in a job file.
type sizeFlag int64

// Set implements pflag.Value.
func (f *sizeFlag) Set(s string) error {
	size, err := sdk.ParseSize(s)
	if err == nil && size < 1 {
		err = fmt.Errorf("%q is too little", s)
	}
	if err == nil {
		*f = sizeFlag(size)
	}
	return err
}

// String implements pflag.Value.
func (f *sizeFlag) String() string {
	if *f == 0 {
		return ""
	}
	return sdk.Size(*f).String()
}

// Type implements pflag.Value.
func (f *sizeFlag) Type() string { return "size" }

// lentFlag is a number of bytes that a donor lends. It needs a unit: who lends 50 does
// not mean bytes.
type lentFlag sizeFlag

// Set implements pflag.Value.
func (f *lentFlag) Set(s string) error {
	if number, unit := splitUnit(s); number != "" && unit == "" {
		return fmt.Errorf("%q has no unit; write it like %sMiB or %sGB", s, number, number)
	}
	return (*sizeFlag)(f).Set(s)
}

// String implements pflag.Value.
func (f *lentFlag) String() string { return (*sizeFlag)(f).String() }

// Type implements pflag.Value.
func (f *lentFlag) Type() string { return "size" }
