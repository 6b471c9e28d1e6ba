package cli

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/anthill-grid/anthill/jobs"
)

// share writes a small share as people do: 0.02, 1e-4, 3.2e-5.
func share(p float64) string {
	if p == 0 || p >= 0.001 {
		return strconv.FormatFloat(p, 'g', -1, 64)
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(p, 'e', -1, 64), "e-")
	return mantissa + "e-" + strings.TrimLeft(exponent, "0")
}

// atMost is a share rounded up to two digits, since a bound must not look
// better than it is.
func atMost(p float64) string {
	n, unit := int64(math.Round(p*1e9)), int64(1) // the grid reckons in parts per billion
	for n > 99*unit {
		unit *= 10
	}
	return share(float64((n+unit-1)/unit*unit) / 1e9)
}

// certainty writes how probably something is right: with as many digits as it
// has nines, and one or two more.
func certainty(p float64) string {
	if p < 0.001 {
		return share(roundTo(p, 2))
	}
	digits := 2
	for doubt := 1 - p; doubt < 0.1 && digits < 9; doubt *= 10 {
		digits++
	}
	return strconv.FormatFloat(roundTo(p, digits), 'f', -1, 64)
}

// roundTo rounds to so many significant digits.
func roundTo(p float64, digits int) float64 {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(p, 'g', digits, 64), 64)
	if err != nil {
		panic("cli: a number that was just written: " + err.Error())
	}
	return rounded
}

// shareFlag reads which share of owners is taken for saboteurs. It is below a
// half: of those among whom most are liars, nobody can be believed.
type shareFlag jobs.Prob

func (f *shareFlag) Set(s string) error {
	p, err := strconv.ParseFloat(s, 64)
	if err != nil || !(p > 0 && p < 0.5) { // nor is NaN
		return errors.New("want a share above 0 and below 0.5")
	}
	*f = shareFlag(max(1, math.Round(p*float64(jobs.One))))
	return nil
}

func (f *shareFlag) String() string { return share(f.float()) }

func (f *shareFlag) Type() string { return "share" }

func (f *shareFlag) float() float64 { return float64(*f) / float64(jobs.One) }
