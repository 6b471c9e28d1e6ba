package cli

import (
	"strings"
	"testing"
)

func TestSizes(t *testing.T) {
	var f lentFlag
	for s, want := range map[string]lentFlag{"50GB": 50e9, "50gb": 50e9, "1.5 GiB": 3 << 29, "4096B": 4096, "100kB": 100e3} {
		if err := f.Set(s); err != nil || f != want {
			t.Errorf("%s: %d, %v, want %d", s, f, err, want)
		}
	}
	f = 7
	for s, want := range map[string]string{
		"": "not a size", "-1": "not a size", "much": "not a size", "0B": "too little", "50G": "not a size",
		"50": "has no unit; write it like 50MiB or 50GB", "0": "no unit", " 50 ": "no unit",
		"50Gb": "Gb counts bits", "512Mib": "Mib counts bits", "8b": "b counts bits", "1Kb": "Kb counts bits",
	} {
		if err := f.Set(s); err == nil || !strings.Contains(err.Error(), want) || f != 7 {
			t.Errorf("%q is taken for %d bytes, %v; want %q", s, f, err, want)
		}
	}
	var asInJobs sizeFlag
	if err := asInJobs.Set("1000"); err != nil || asInJobs != 1000 {
		t.Errorf("1000 bytes as in a job file: %d, %v", asInJobs, err)
	}
}

func TestRates(t *testing.T) {
	for s, want := range map[string]rateFlag{
		"10mbit": 1_250_000, "10 mbit": 1_250_000, " 10Mbit/s ": 1_250_000, "10MBIT": 1_250_000, "80kbit/s": 10_000, "1Gbit": 125_000_000,
		"10Mb/s": 1_250_000, "10Mb": 1_250_000, "10 Mbps": 1_250_000, "10mbps": 1_250_000, "16kbps": 2000, "16Kibps": 2048, "8Mibit/s": 1 << 20,
		"10MB/s": 10_000_000, "10MBps": 10_000_000, "1.2MB/s": 1_200_000, "64kB/s": 64_000, "64KB": 64_000,
		"1MiB/s": 1 << 20, "64KiB": 64 << 10, "1.5MiB/s": 3 << 19, "1024B/s": 1024, "10000bit": 1250,
	} {
		var r rateFlag
		if err := r.Set(s); err != nil || r != want {
			t.Errorf("%s: %d, %v, want %d", s, r, err, want)
		}
	}
}

func TestRatesThatAreNone(t *testing.T) {
	for s, want := range map[string]string{
		"10": `"10" has no unit; write 10mbit for megabits or 10MiB for mebibytes`, "1000000": "no unit", "0": "not a rate",
		"10mb/s": `"mb/s" may be bits or bytes; write mbit or MB`, "64kb": "may be bits or bytes", "1gb/s": "may be bits or bytes",
		"4096b/s": "may be bits or bytes",
		"1000B/s": "less than 1 KiB a second", "8kbit": "less than 1 KiB a second", "0.5KiB/s": "less than 1 KiB", "10bit": "less than 1 KiB",
		"10M": `"M" is no unit`, "10M/s": "is no unit", "10MBPS": "is no unit", "10Mo/s": "is no unit", "1kbit5": "is no unit", "10/s": "is no unit",
		"": "not a rate", "fast": "not a rate", "mbit": "not a rate", "-1mbit": "not a rate", "NaNmbit": "not a rate", "1,5MB/s": "is no unit",
		"1e3kbit": "is no unit", "0x10mbit": "not a rate", "1.2.3mbit": "not a rate", "0mbit": "not a rate", "9999999gbit": "not a rate",
	} {
		r := rateFlag(7)
		if err := r.Set(s); err == nil || !strings.Contains(err.Error(), want) || r != 7 {
			t.Errorf("%q is taken for %d bytes a second, %v; want %q", s, r, err, want)
		}
	}
}
