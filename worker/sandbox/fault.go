package sandbox

import (
	"errors"
	"fmt"
	"strings"

	"github.com/anthill-grid/anthill/worker/sandbox/prices"
)

// engineFault says whether the engine ended a run and not the guest, and why.
// Such an end is no result: at what depth a stack is full, for one, depends on
// the engine and the processor, and honest workers would not agree on it.
//
// The engine does not export its errors, so they are known by type and text;
// what is not known to be the guest's doing is the engine's.
func engineFault(err error, running bool) (reason string, fault bool) {
	switch text, isTrap := trap(err); {
	case isTrap && text == "stack overflow":
		return "the guest's calls nest deeper than the engine can follow", true
	case isTrap:
		return "", false
	case running || strings.Contains(err.Error(), "(recovered by wazero)"):
		return "a fault of the engine: " + err.Error(), true
	}
	return "", false
}

// trap finds the engine's own error, WASM's name for what the guest did, that of
// a stub, or that of a call that the guest could not pay.
func trap(err error) (text string, ok bool) {
	if errors.Is(err, prices.ErrOutOfFuel) {
		return prices.ErrOutOfFuel.Error(), true
	}
	if missing, is := errors.AsType[missingImport](err); is {
		return missing.Error(), true
	}
	for ; err != nil; err = errors.Unwrap(err) {
		if fmt.Sprintf("%T", err) == "*wasmruntime.Error" {
			return err.Error(), true
		}
	}
	return "", false
}
