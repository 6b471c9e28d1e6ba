package cli

import (
	"bytes"
	"runtime"
	"strings"
	"testing"
)

// TestInstallShowsWhatItWouldDo, and refuses at once what no worker would start with.
func TestInstallShowsWhatItWouldDo(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("it shows a unit of systemd")
	}
	var out, errs bytes.Buffer
	if code := run(t.Context(), "test", []string{"worker", "install", "--print", "--", "--slots", "2"}, &out, &errs); code != 0 ||
		!strings.Contains(out.String(), "worker --data /var/lib/anthill-worker --slots 2\n") {
		t.Errorf("%d: %s%s", code, &out, &errs)
	}
	for _, bad := range [][]string{{"--slots", "0"}, {"--no-such-flag"}, {"--join", "x"}, {"--data", "/x"}, {"word"}} {
		if code := run(t.Context(), "test", append([]string{"worker", "install", "--print", "--"}, bad...), &out, &errs); code == 0 {
			t.Errorf("%q is not refused", bad)
		}
	}
}
