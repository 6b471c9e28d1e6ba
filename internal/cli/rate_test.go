package cli

import "testing"

func TestSizes(t *testing.T) {
	var f sizeFlag
	if err := f.Set("50GB"); err != nil || f != 50e9 {
		t.Errorf("%d, %v", f, err)
	}
	for _, s := range []string{"", "0", "-1", "much"} {
		if f.Set(s) == nil || f != 50e9 {
			t.Errorf("%q is taken for %d bytes", s, f)
		}
	}
}

func TestRates(t *testing.T) {
	for s, want := range map[string]rateFlag{
		"10mbit": 1_250_000, "8kbit/s": 1000, "1Gbit": 125_000_000, "1MiB/s": 1 << 20, "64KiB": 64 << 10, "1000": 1000,
	} {
		var r rateFlag
		if err := r.Set(s); err != nil || r != want {
			t.Errorf("%s: %d, %v, want %d", s, r, err, want)
		}
	}
	for _, s := range []string{"", "fast", "mbit", "-1mbit", "0", "1kbit5", "NaNmbit", "1e300gbit"} {
		if r := rateFlag(7); r.Set(s) == nil || r != 7 {
			t.Errorf("%q is taken for %d bytes a second", s, r)
		}
	}
}
