package sandbox

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/anthill-grid/anthill/internal/lab/handmade"
)

// TestWhoIsToBlame holds engineFault to what this version of the engine says.
func TestWhoIsToBlame(t *testing.T) {
	ctx := context.Background()
	r := wazero.NewRuntime(ctx)
	defer func() { _ = r.Close(ctx) }()
	panics := func(name string, with any) {
		_, err := r.NewHostModuleBuilder(name).NewFunctionBuilder().WithFunc(func(uint32) { panic(with) }).Export("f").Instantiate(ctx)
		if err != nil {
			t.Fatal(err)
		}
	}
	panics("text", "lost my head")
	panics("error", errors.New("broken pipe of the host"))
	caller := func(module string) []byte {
		return handmade.Spec{
			Imports: []handmade.Import{{Module: module, Name: "f", Signature: handmade.OneArg}},
			Code:    []byte{0x41, 0, 0x10, 0}, Pages: 1,
		}.Encode()
	}
	for name, c := range map[string]struct {
		module []byte
		want   string // in the reason; "" if the guest is to blame
	}{
		"trap":              {handmade.Trap(), ""},
		"out of bounds":     {handmade.Spec{Code: []byte{0x41, 0x7f, 0x28, 2, 0, 0x1a}, Pages: 1}.Encode(), ""},
		"division by zero":  {handmade.Spec{Code: []byte{0x41, 1, 0x41, 0, 0x6d, 0x1a}, Pages: 1}.Encode(), ""},
		"stack":             {handmade.Recurse(), "nest deeper"},
		"panic of a text":   {caller("text"), "lost my head"},
		"panic of an error": {caller("error"), "broken pipe"},
	} {
		m, err := r.InstantiateWithConfig(ctx, c.module, wazero.NewModuleConfig().WithName("").WithStartFunctions())
		if err != nil {
			t.Fatal(name, err)
		}
		_, err = m.ExportedFunction("_start").Call(ctx)
		if err == nil {
			t.Fatalf("%s: no error", name)
		}
		reason, fault := engineFault(err, true)
		if fault != (c.want != "") || !strings.Contains(reason, c.want) {
			t.Errorf("%s: %q, fault %v; want %q: %v", name, reason, fault, c.want, err)
		}
	}
	if reason, fault := engineFault(errors.New("import of another type"), false); fault {
		t.Errorf("a module that does not link is a fault of the engine: %q", reason)
	}
}

func TestCausesOfDeathArePlain(t *testing.T) {
	for obituary, want := range map[string]string{
		"exit status 2: runtime: out of memory: cannot allocate 10-byte block": "it reached its memory limit: ",
		"exit status 2: fatal error: cannot allocate memory":                   "it reached its memory limit: ",
		"signal: CPU time limit exceeded":                                      "it reached its limit of processor time: ",
		"signal: killed":                                                       "the system killed it, as it does when memory runs out: ",
		"exit status 2: SIGSEGV: segmentation violation":                       "a fault of the engine: ",
		"exit status 2: panic: runtime error: index out of range":              "a fault of the engine: ",
		"exit status 1: read task: frame":                                      "",
	} {
		if got := plainCause(obituary); got != want {
			t.Errorf("%q means %q, want %q", obituary, got, want)
		}
	}
}
