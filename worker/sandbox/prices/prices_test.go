package prices

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tetratelabs/wazero"
)

// TestPricesNameTheParametersThatTheyMean, in all functions that have some.
func TestPricesNameTheParametersThatTheyMean(t *testing.T) {
	ctx := t.Context()
	known, err := Export(ctx, wazero.NewRuntime(ctx).NewHostModuleBuilder("any"), new(sync.Mutex))
	if err != nil {
		t.Fatal(err)
	}
	for name := range prices {
		if known[name] == nil {
			t.Errorf("%s is no function of the engine's", name)
		}
	}
	for name, f := range known {
		p := prices[name]
		for i, parameter := range f.ParamNames() {
			means := ""
			switch {
			case i == 0:
			case slices.Contains(p.bytes[:], i):
				means = "bytes"
			case i == p.buffers:
				means = "buffers"
			case i == p.moved:
				means = "moved"
			}
			if want := meaning(name, parameter); means != want {
				t.Errorf("%s: parameter %s is priced as %q, want %q", name, parameter, means, want)
			}
		}
	}
}

// meaning is what a parameter of this name is in the prices.
func meaning(function, parameter string) string {
	switch {
	case strings.HasPrefix(function, "sock_"), function == "fd_prestat_dir_name", function == "fd_advise", function == "fd_allocate":
		return "" // there are no sockets, and no work by length
	case parameter == "iovs_len", parameter == "nsubscriptions":
		return "buffers"
	case parameter == "result.nread", parameter == "result.nwritten":
		return "moved"
	case strings.HasSuffix(parameter, "_len") && !strings.HasPrefix(parameter, "result."):
		return "bytes"
	}
	return ""
}
