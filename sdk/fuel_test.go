package sdk

import (
	"math"
	"testing"
)

func TestParseFuel(t *testing.T) {
	good := map[string]Fuel{
		"0": 0, "17": 17, "200M": 2e8, "5G": 5e9, "5g": 5e9, "1.5T": 15e11, "3 k": 3000, "2P": 2e15, "4E": 4e18, "1e9": 1e9,
		"4611686018427387904": 1 << 62, "4611686018427387903": 1<<62 - 1,
	}
	for text, want := range good {
		if got, err := ParseFuel(text); err != nil || got != want {
			t.Errorf("%q: got %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "G", "-1", "-1G", "1.5", "0.0001k", "1e400", "NaN", "Inf", "5E", "9223372036854775808", "5GiB", "5 G/s"} {
		if got, err := ParseFuel(text); err == nil {
			t.Errorf("%q: got %d, want an error", text, got)
		}
	}
}

func TestFuelString(t *testing.T) {
	want := map[Fuel]string{
		0: "0", 999: "999", 1000: "1 k", 1234567: "1.2 M", 12e12: "12 T", 3_140_000_000_000: "3.1 T", math.MaxUint64: "18.4 E",
	}
	for amount, text := range want {
		if amount.String() != text {
			t.Errorf("%d: got %q, want %q", uint64(amount), amount, text)
		}
	}
}
