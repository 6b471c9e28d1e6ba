package walls

import (
	"fmt"
	"os"
	"testing"
)

// TestMain lets this test binary be a walled process as well.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == "walled" {
		if err := walledMain(os.Args[2], os.Args[3]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestWallsTellThemselvesOnOneLine(t *testing.T) {
	for want, w := range map[string]State{
		"none; missing: none": {},
		"a, b; missing: none": {Standing: []string{"a", "b"}},
		"a; missing: b (no such call), c (not here)": {
			Standing: []string{"a"}, Missing: []Missing{{"b", "no such call"}, {"c", "not here"}},
		},
	} {
		if got := w.String(); got != want {
			t.Errorf("%#v = %q, want %q", w, got, want)
		}
	}
}
