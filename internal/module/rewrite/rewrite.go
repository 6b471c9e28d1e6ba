package rewrite

import (
	"errors"
	"fmt"

	"github.com/anthill-grid/anthill/internal/module/refusal"
	"github.com/anthill-grid/anthill/internal/module/wasm"
)

// Options chooses what Rewrite does. The zero Options only decode and encode.
type Options struct {
	// NaN makes the bits of every NaN that can be seen the same on all CPUs.
	NaN bool
	// Depth bounds the depth of calls, by the same count on all engines.
	Depth bool
	// Fuel counts what the guest executes and stops it when it has used up
	// what the host gave it.
	Fuel bool
	// OldFuel has memory.grow cost what it did before Version 4, for jobs that are
	// counted by these rules to their end.
	OldFuel bool
}

// Rewritten is a rewritten module.
type Rewritten struct {
	Module []byte
	// Start is set if the module had a start function. It no longer runs when
	// the module is instantiated: the host calls the export StartExport first.
	Start bool
}

// Rewrite gives a module that computes the same within the bounds of the
// options. Equal bytes and options give equal bytes. The error is a
// *refusal.Error.
func Rewrite(source []byte, o Options) (Rewritten, error) {
	m, err := wasm.Decode(source)
	if err != nil {
		return Rewritten{}, explain(err)
	}
	return Module(m, o)
}

// Module is Rewrite of a module that was taken apart before. It changes m.
func Module(m *wasm.Module, o Options) (Rewritten, error) {
	p, err := newPlan(m, o)
	if err != nil {
		return Rewritten{}, explain(err)
	}
	p.dropDebugInformation()
	if err := p.rewriteBodies(); err != nil {
		return Rewritten{}, explain(err)
	}
	p.addGlobals()
	started := p.exportStart()
	return Rewritten{Module: m.Encode(), Start: started}, nil
}

// explain turns what the decoder says into a refusal.
func explain(err error) error {
	var fault *wasm.Error
	if errors.As(err, &fault) {
		return &refusal.Error{Reason: refusal.Malformed, Found: fault.Error()}
	}
	return err
}

// refuse is the error of a module that is well-formed but cannot be rewritten. What
// passes the screen is never refused here.
func refuse(format string, args ...any) error {
	return &refusal.Error{Reason: refusal.Unrewritable, Found: "rewrite module: " + fmt.Sprintf(format, args...)}
}
