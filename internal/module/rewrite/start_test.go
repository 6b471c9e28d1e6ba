package rewrite_test

import (
	"strings"
	"testing"

	"github.com/anthill-grid/anthill/internal/lab/handmade"
	"github.com/anthill-grid/anthill/internal/module/rewrite"
	"github.com/anthill-grid/anthill/internal/module/wasm"
)

// TestAStartFunctionOfAnotherTypeIsRefused: as an export, the engine would not
// look at its type.
func TestAStartFunctionOfAnotherTypeIsRefused(t *testing.T) {
	module := handmade.Spec{Pages: 1, Imports: []handmade.Import{{Module: handmade.ABI, Name: "proc_exit", Signature: handmade.OneArg}}}.Encode()
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
