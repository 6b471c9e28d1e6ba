package cli

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/anthill-grid/anthill/sdk"
)

// rateFlag is a number of bytes a second.
type rateFlag int64

// bitUnits are how rates of lines are written, in bits a second.
var bitUnits = []struct {
	suffix string
	bits   float64
}{{"kbit", 1e3}, {"mbit", 1e6}, {"gbit", 1e9}}

// Set implements pflag.Value.
func (r *rateFlag) Set(s string) error {
	for _, u := range bitUnits {
		if number, ok := strings.CutSuffix(strings.TrimSuffix(strings.ToLower(s), "/s"), u.suffix); ok {
			bits, err := strconv.ParseFloat(number, 64)
			if bytes := bits * u.bits / 8; err == nil && bytes >= 1 && bytes < 1<<50 {
				*r = rateFlag(bytes)
				return nil
			}
			return fmt.Errorf("%q is not a rate; write it like 10mbit or 1MiB/s", s)
		}
	}
	size, err := sdk.ParseSize(strings.TrimSuffix(s, "/s"))
	if err != nil || size < 1 {
		return fmt.Errorf("%q is not a rate; write it like 10mbit or 1MiB/s", s)
	}
	*r = rateFlag(size)
	return nil
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

// sizeFlag is a number of bytes.
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
