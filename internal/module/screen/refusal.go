package screen

import (
	"fmt"

	"github.com/anthill-grid/anthill/internal/module/wasm"
)

// Reason says why a module was refused.
type Reason int

// The reasons.
const (
	NotWasm       Reason = iota + 1 // the bytes are something else
	Component                       // a component, not a core module
	Malformed                       // WASM that is cut short or of no known form
	TooLarge                        // larger than MaxSize
	ForeignImport                   // imports what the ABI does not have, or by another type
	NoStart                         // no function _start, or one of another type
	NoMemory                        // no exported memory
	Unsupported                     // needs a proposal that the engine does not have
	TooMany                         // more of something than its limit
	TooCostly                       // code that takes the engine too long to compile
	MemoryLimit                     // starts with more memory than the job allows
	Unbounded                       // a table that grows without a maximum
	Invalid                         // types that do not fit, or names of what is not there
	Unrewritable                    // what workers cannot rewrite, though engines run it
	Misplaced                       // a segment that goes beyond its memory or table
)

// Refusal is the error of a module that cannot be a task.
type Refusal struct {
	Reason Reason
	// Found is what is wrong with the module, Next what its author can do.
	Found, Next string
}

// Error gives both halves in one line.
func (r *Refusal) Error() string { return r.Found + "; " + r.Next }

func refuse(reason Reason, found, next string) error {
	return &Refusal{Reason: reason, Found: found, Next: next}
}

// above refuses what exceeds a limit, and says both.
func above(reason Reason, what string, found, limit int64, next string) error {
	return refuse(reason, fmt.Sprintf("module has %d %s, the limit is %d", found, what, limit), next)
}

func malformed(found string) error {
	return refuse(Malformed, "malformed module: "+found, "build it again, or check that it was copied whole")
}

// quote shows a name of the module's making without letting it fill a screen.
func quote(name string) string {
	const most = 80
	if len(name) > most {
		return fmt.Sprintf("%q...", name[:most])
	}
	return fmt.Sprintf("%q", name)
}

// without says how to build a module that needs no such feature.
func without(feature string) string {
	switch feature {
	case wasm.FeatureThreads:
		return "build without -pthread and atomics, for wasip1 and not wasip1-threads"
	case wasm.FeatureRelaxedSIMD:
		return "build without -mrelaxed-simd (ordinary SIMD is fine): its results differ between machines"
	case wasm.FeatureTailCalls:
		return "build without -mtail-call"
	case wasm.FeatureExceptions:
		return "build without -fwasm-exceptions (C++: -fno-exceptions; Rust: panic=abort)"
	case wasm.FeatureGC, wasm.FeatureFunctionRefs, wasm.FeatureStackSwitching:
		return "use a compiler that targets linear memory: C, C++, Rust, Go, Zig, or a language with an interpreter in one of these"
	case wasm.FeatureMemory64:
		return "build for wasm32, not wasm64"
	case wasm.FeatureMultiMemory:
		return "build with one memory, without -mmultimemory"
	case wasm.FeatureExtendedConst:
		return "build without -mextended-const, and not as position-independent code"
	case wasm.FeatureWideArithmetic:
		return "build without -mwide-arithmetic"
	case wasm.FeatureComponentModel:
		return "build for wasip1 (core modules), not for wasip2 or the component model"
	}
	return "build it for WebAssembly 2.0, without later proposals"
}
