// Package prices makes guests pay in fuel for what the host does for them. The
// prices follow from arguments and results that are the same on every machine.
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

// Prices in units of fuel.
const (
	// Call is for each call of the host, beside the 1 that any call costs.
	Call = 100
	// BytesShift makes bytes that are moved cost 1 for each 1<<BytesShift of them,
	// as in the guest's own bulk instructions.
	BytesShift = 3
	// Buffer is for one of the buffers or subscriptions that a call lists.
	Buffer = 20
	// File is for a call that may come to the host's system, Open for one that
	// opens a file there or looks for one. A directory and the texts of a job are as
	// much work: they have at most 256 entries and 64 KiB.
	File = 1_000
	Open = 20_000
)

// price says what a function of the task ABI costs. Its numbers are those of
// parameters; none of the kinds here is a function's first one, so 0 is none.
type price struct {
	call    int64  // beside Call
	bytes   [2]int // how many bytes the host is to handle
	buffers int    // how many buffers it is to go through
	moved   int    // the address at which it says how many bytes it has moved
}

// prices of the functions that cost more than Call.
var prices = map[string]price{
	"args_get":                {call: Open},
	"environ_get":             {call: Open},
	"fd_close":                {call: File},
	"fd_pread":                {call: File, buffers: 2, moved: 4},
	"fd_pwrite":               {call: File, buffers: 2, moved: 4},
	"fd_read":                 {call: File, buffers: 2, moved: 3},
	"fd_readdir":              {call: Open, bytes: [2]int{2}},
	"fd_write":                {buffers: 2, moved: 3},
	"path_create_directory":   {call: Open, bytes: [2]int{2}},
	"path_filestat_get":       {call: Open, bytes: [2]int{3}},
	"path_filestat_set_times": {call: Open, bytes: [2]int{3}},
	"path_link":               {call: Open, bytes: [2]int{3, 6}},
	"path_open":               {call: Open, bytes: [2]int{3}},
	"path_readlink":           {call: Open, bytes: [2]int{2, 4}},
	"path_remove_directory":   {call: Open, bytes: [2]int{2}},
	"path_rename":             {call: Open, bytes: [2]int{2, 5}},
	"path_symlink":            {call: Open, bytes: [2]int{1, 4}},
	"path_unlink_file":        {call: Open, bytes: [2]int{2}},
	"poll_oneoff":             {buffers: 2},
	"random_get":              {bytes: [2]int{1}},
}

// ErrOutOfFuel ends a guest within a call that it cannot pay: the engine makes an
// error of the panic.
var ErrOutOfFuel = errors.New("out of fuel")

// Export exports the functions of the task ABI, which take their prices off the
// caller's fuel, and returns them by name. A module that was not rewritten to count
// fuel calls them for nothing. They hold counting while they change the fuel, since
// it may be read meanwhile.
func Export(ctx context.Context, host wazero.HostModuleBuilder, counting sync.Locker) (map[string]api.FunctionDefinition, error) {
	wasi_snapshot_preview1.NewFunctionExporter().ExportFunctions(host)
	compiled, err := host.Compile(ctx)
	if err != nil {
		return nil, err
	}
	known := compiled.ExportedFunctions()
	for name, f := range known {
		work, ok := f.GoFunction().(api.GoModuleFunction)
		if !ok {
			return nil, fmt.Errorf("put a price on %s: it is not a function of the engine's", name)
		}
		host.NewFunctionBuilder().
			WithGoModuleFunction(priced(prices[name], work, counting), f.ParamTypes(), f.ResultTypes()).
			Export(name)
	}
	return known, nil
}

// priced is a function that takes its price before it works, as far as arguments
// tell it, and the rest after.
func priced(p price, work api.GoModuleFunction, counting sync.Locker) api.GoModuleFunction {
	return api.GoModuleFunc(func(ctx context.Context, caller api.Module, stack []uint64) {
		moved := uint32(stack[p.moved]) // where a result comes to lie on the stack
		spend(caller, p.before(stack), counting)
		work.Call(ctx, caller, stack)
		if p.moved == 0 || stack[0] != 0 {
			return
		}
		n, _ := caller.Memory().ReadUint32Le(moved) // it was just written there
		spend(caller, int64(n>>BytesShift), counting)
	})
}

func (p price) before(stack []uint64) int64 {
	cost := Call + p.call
	for _, at := range p.bytes {
		if at > 0 {
			cost += int64(uint32(stack[at]) >> BytesShift)
		}
	}
	if p.buffers > 0 {
		cost += int64(uint32(stack[p.buffers])) * Buffer
	}
	return cost
}

// spend ends the guest if it has no fuel left.
func spend(caller api.Module, cost int64, counting sync.Locker) {
	fuel, ok := caller.ExportedGlobal(rewrite.FuelExport).(api.MutableGlobal)
	if !ok {
		return
	}
	counting.Lock()
	left := int64(fuel.Get()) - cost
	fuel.Set(uint64(left))
	counting.Unlock()
	if left < 0 {
		panic(ErrOutOfFuel)
	}
}
