package screen

import (
	"fmt"

	"github.com/anthill-grid/anthill/internal/module/refusal"
	"github.com/anthill-grid/anthill/internal/module/wasm"
)

// refuse says what is wrong with a module, and what its author can do.
func refuse(reason refusal.Reason, found, next string) error {
	return &refusal.Error{Reason: reason, Found: found, Next: next}
}

// above refuses what exceeds a limit, and says both.
func above(reason refusal.Reason, what string, found, limit int64, next string) error {
	return refuse(reason, fmt.Sprintf("module has %d %s, the limit is %d", found, what, limit), next)
}

func malformed(found string) error {
	return refuse(refusal.Malformed, "malformed module: "+found, "build it again, or check that it was copied whole")
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
