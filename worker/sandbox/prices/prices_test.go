package prices

import (
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// export gives the functions of the task ABI by name.
func export(t *testing.T) map[string]api.FunctionDefinition {
	t.Helper()
	ctx := t.Context()
	known, err := new(Host).Export(ctx, wazero.NewRuntime(ctx).NewHostModuleBuilder("any"))
	if err != nil {
		t.Fatal(err)
	}
	return known
}

// TestClaimsNameTheParametersThatTheyMean, in all functions that have some.
func TestClaimsNameTheParametersThatTheyMean(t *testing.T) {
	known := export(t)
	for name := range claims {
		if known[name] == nil {
			t.Errorf("%s is no function of the engine's", name)
		}
	}
	for name, f := range known {
		p := claims[name]
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

// meaning is what a parameter of this name is in the claims.
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

// TestFunctionsLookAtWhatTheyMean: every path and every list of buffers of the ABI is
// looked at before the engine does, and every place for an answer that comes after work.
func TestFunctionsLookAtWhatTheyMean(t *testing.T) {
	known := export(t)
	for name := range functions {
		if known[name] == nil {
			t.Errorf("%s is no function of the engine's", name)
		}
	}
	for name, f := range known {
		if strings.HasPrefix(name, "sock_") {
			continue // there are none
		}
		parameters, p := f.ParamNames(), functions[name]
		for i, parameter := range parameters {
			isPath := strings.HasSuffix(parameter, "path") && !strings.HasPrefix(parameter, "result.")
			if looked := slices.Contains(p.paths, i); looked != isPath {
				t.Errorf("%s: %s is looked at as a path: %v", name, parameter, looked)
			}
			isList := parameter == "iovs"
			if looked := p.list == i && i > 0; looked != isList {
				t.Errorf("%s: %s is looked at as a list: %v", name, parameter, looked)
			}
		}
		last := parameters[max(0, len(parameters)-1):]
		works := len(p.paths) > 0 || p.list > 0
		if works && strings.HasPrefix(last[0], "result.") && p.result.at != len(parameters)-1 {
			t.Errorf("%s: that %s lies in memory is not looked at", name, last[0])
		}
	}
}

func TestABillIsSettledOnce(t *testing.T) {
	var b Bill
	b.Add(2)
	b.Add(3)
	if first, second := b.settle(), b.settle(); first != 5 || second != 0 {
		t.Errorf("settled %d and then %d, want 5 and 0", first, second)
	}
	var nobodys *Bill
	nobodys.Add(1)
}
