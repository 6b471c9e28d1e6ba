package rewrite

import (
	"fmt"

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
// *wasm.Error for a module that cannot be decoded, a *Refusal for one that
// cannot be rewritten.
func Rewrite(module []byte, o Options) (Rewritten, error) {
	m, err := wasm.Decode(module)
	if err != nil {
		return Rewritten{}, err
	}
	p, err := newPlan(m, o)
	if err != nil {
		return Rewritten{}, err
	}
	p.dropDebugInformation()
	if err := p.rewriteBodies(); err != nil {
		return Rewritten{}, err
	}
	p.addGlobals()
	started := p.exportStart()
	return Rewritten{Module: m.Encode(), Start: started}, nil
}

// Refusal is the error of a module that is well-formed but cannot be
// rewritten.
type Refusal struct {
	// Reason is a phrase such as `export "anthill.fuel" is reserved`.
	Reason string
}

// Error gives the reason.
func (r *Refusal) Error() string { return "rewrite module: " + r.Reason }

func refuse(format string, args ...any) error {
	return &Refusal{Reason: fmt.Sprintf(format, args...)}
}
