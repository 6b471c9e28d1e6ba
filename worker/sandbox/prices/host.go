package prices

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/anthill-grid/anthill/internal/module/rewrite"
)

// ErrOutOfFuel ends a guest within a call that it cannot pay: the engine makes an
// error of the panic.
var ErrOutOfFuel = errors.New("out of fuel")

// Guest is one run of a module.
type Guest struct {
	// Rules are ByClaim or ByWork.
	Rules uint32
	// Args and Env are all that the guest can ask for, its name among them.
	Args, Env []string
	// Bill is written on by the guest's files and streams.
	Bill *Bill
}

// Host has the functions of the task ABI for a module, of which one guest runs at a
// time. It holds its mutex while it changes that one's fuel, for whoever reads it
// meanwhile.
type Host struct {
	sync.Mutex
	guest Guest

	engine map[string]api.GoModuleFunction
	one    [5]uint64 // the parameters of a call for one buffer of many
}

// Serve makes the host work for another guest.
func (h *Host) Serve(g Guest) { h.guest = g }

// Export exports the functions, which take their prices off the caller's fuel, and
// returns them by name. A module that was not rewritten to count fuel calls them for
// nothing.
func (h *Host) Export(ctx context.Context, builder wazero.HostModuleBuilder) (map[string]api.FunctionDefinition, error) {
	wasi_snapshot_preview1.NewFunctionExporter().ExportFunctions(builder)
	compiled, err := builder.Compile(ctx)
	if err != nil {
		return nil, err
	}
	known := compiled.ExportedFunctions()
	h.engine = make(map[string]api.GoModuleFunction, len(known))
	for name, f := range known {
		work, ok := f.GoFunction().(api.GoModuleFunction)
		if !ok {
			return nil, fmt.Errorf("put a price on %s: it is not a function of the engine's", name)
		}
		h.engine[name] = work
		builder.NewFunctionBuilder().
			WithGoModuleFunction(h.priced(name), f.ParamTypes(), f.ResultTypes()).
			Export(name)
	}
	return known, nil
}

func (h *Host) priced(name string) api.GoModuleFunction {
	engine, claim, function := h.engine[name], claims[name], functions[name]
	return api.GoModuleFunc(func(ctx context.Context, caller api.Module, stack []uint64) {
		c := call{context: ctx, caller: caller, stack: stack, engine: engine}
		if h.guest.Rules == ByClaim {
			h.callByClaim(&c, claim)
			return
		}
		h.callByWork(&c, function)
	})
}

// spend ends the guest if it has no fuel left.
func (h *Host) spend(caller api.Module, cost int64) {
	fuel, ok := caller.ExportedGlobal(rewrite.FuelExport).(api.MutableGlobal)
	if !ok {
		return
	}
	h.Lock()
	left := int64(fuel.Get()) - cost
	fuel.Set(uint64(left))
	h.Unlock()
	if left < 0 {
		panic(ErrOutOfFuel)
	}
}
