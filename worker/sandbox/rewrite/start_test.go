package rewrite_test

import (
	"strings"
	"testing"

	"github.com/anthill-grid/anthill/worker/sandbox/guesttest"
	"github.com/anthill-grid/anthill/worker/sandbox/rewrite"
	"github.com/anthill-grid/anthill/worker/sandbox/wasm"
)

// TestAStartFunctionOfAnotherTypeIsRefused: as an export, the engine would not
// look at its type.
func TestAStartFunctionOfAnotherTypeIsRefused(t *testing.T) {
	module := guesttest.Spec{Pages: 1, Imports: []guesttest.Import{{Module: guesttest.ABI, Name: "proc_exit", Signature: guesttest.OneArg}}}.Encode()
	m, err := wasm.Decode(module)
	if err != nil {
		t.Fatal(err)
	}
	start := uint32(0)
	m.Start = &start
	if _, err := rewrite.Rewrite(m.Encode(), rewrite.Options{}); err == nil || !strings.Contains(err.Error(), "start function 0") {
		t.Errorf("got %v", err)
	}
}
