package sdk

import "testing"

func TestParseSize(t *testing.T) {
	good := map[string]Size{
		"0": 0, "17": 17, "17B": 17, "64KiB": 64 << 10, "1.5MiB": 3 << 19, "2GB": 2e9, "1 GiB": 1 << 30, "3kb": 3000,
	}
	for text, want := range good {
		if got, err := ParseSize(text); err != nil || got != want {
			t.Errorf("%q: got %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "KiB", "-1", "1.5", "0.3KiB", "1e400", "NaN", "9000000TiB", "1 MiB/s", "512Mb", "2 Gb", "64Kib", "8b"} {
		if got, err := ParseSize(text); err == nil {
			t.Errorf("%q: got %d, want an error", text, got)
		}
	}
}

func TestSizeString(t *testing.T) {
	want := map[Size]string{0: "0 B", 1023: "1023 B", 1024: "1 KiB", 100 << 20: "100 MiB", 1536 << 20: "1.5 GiB"}
	for size, text := range want {
		if size.String() != text {
			t.Errorf("%d: got %q, want %q", int64(size), size, text)
		}
	}
}
