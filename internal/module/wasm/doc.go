// Package wasm takes core WebAssembly modules apart and puts them together
// again. It knows exactly the binary format that the engine accepts: version 1
// with sign extension, saturating conversions, multiple values, bulk memory,
// reference types, mutable globals and 128-bit SIMD. What belongs to a later
// proposal is an Error that names the feature.
//
//	m, err := wasm.Decode(module)         // sections, types, imports, bodies, ...
//	w := m.Walk(i)                        // over the i-th body of m.Code
//	for in := (wasm.Instruction{}); w.Next(&in); { ... in.Op, in.Index, w.Depth() ... }
//	err = w.Err()
//	out := m.Encode()
//
// It is safe on any bytes: it allocates by what it has seen, never by what a
// count claims, and it never panics. It checks that the format is well-formed
// and that blocks nest; it does not check types, alignments, or that indices
// exist (except branch labels), which package screen does.
//
// All slices of bytes in a Module are parts of the module given to Decode.
package wasm

import "fmt"

// Error says what is wrong with a module and where. If Feature is set, the
// module is (as far as it was read) well-formed but needs a proposal that the
// engine does not have.
type Error struct {
	// Section is the name of the section, such as "code", or "module" for
	// what is outside of sections.
	Section string
	// Offset is the position in the module, in bytes.
	Offset int
	// Feature is the proposal that is needed, one of the Feature constants, or
	// empty if the module is malformed.
	Feature string
	// Reason is what was found there.
	Reason string
}

// Error gives section, offset and reason in one line.
func (e *Error) Error() string {
	if e.Feature != "" {
		return fmt.Sprintf("decode wasm: %s section, offset %d: %s needs %s", e.Section, e.Offset, e.Reason, e.Feature)
	}
	return fmt.Sprintf("decode wasm: %s section, offset %d: %s", e.Section, e.Offset, e.Reason)
}

// The proposals that are recognised and refused.
const (
	FeatureThreads         = "threads"
	FeatureRelaxedSIMD     = "relaxed SIMD"
	FeatureTailCalls       = "tail calls"
	FeatureExceptions      = "exceptions"
	FeatureGC              = "garbage collection"
	FeatureFunctionRefs    = "typed function references"
	FeatureMultiMemory     = "multiple memories"
	FeatureMemory64        = "64-bit memory"
	FeatureCustomPages     = "custom page sizes"
	FeatureExtendedConst   = "extended constant expressions"
	FeatureWideArithmetic  = "wide arithmetic"
	FeatureStackSwitching  = "stack switching"
	FeatureComponentModel  = "the component model"
	FeatureTableInitialize = "table initializers"
)
