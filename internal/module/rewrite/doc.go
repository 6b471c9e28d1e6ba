// Package rewrite changes modules so that what they compute is the same on
// every CPU and engine, and so that they cannot run for ever: it makes the
// bits of NaNs canonical, bounds the depth of calls, and counts fuel. It is
// pure and deterministic, and works on any bytes.
//
// # For the host
//
//	r, err := rewrite.Rewrite(module, rewrite.Options{NaN: true, Depth: true, Fuel: true})
//	code, err := runtime.CompileModule(ctx, r.Module)
//	instance, err := runtime.InstantiateModule(ctx, code, config.WithStartFunctions())
//	fuel := instance.ExportedGlobal(rewrite.FuelExport).(api.MutableGlobal)
//	depth := instance.ExportedGlobal(rewrite.DepthExport)
//	fuel.Set(uint64(budget))
//	if r.Start { _, err = instance.ExportedFunction(rewrite.StartExport).Call(ctx) }
//	if err == nil { _, err = instance.ExportedFunction("_start").Call(ctx) }
//	switch {
//	case int32(depth.Get()) < 0: // calls too deep
//	case int64(fuel.Get()) < 0: // out of fuel
//	}
//	used := budget - int64(fuel.Get())
//
// Take the globals before the call: they can be read afterwards, also when the
// guest trapped or left by proc_exit. Both cases above end in an unreachable
// trap; the signs tell them from the guest's own. A guest has no fuel until
// the host gives it some. What Rewrite makes depends on this package: a cache
// of compiled modules must have Version in its key.
//
// wazero's interpreter has a limit of 2,000 frames of its own, a variable that
// the host has to raise (with go:linkname, as the test of this package does) to
// DepthLimit; debug.SetMaxStack(2 << 30) leaves it room to spare. Its compiler
// needs nothing.
//
// # NaN
//
// Arithmetic gives a NaN whose sign and payload depend on the CPU. Rewritten
// modules show only the positive quiet NaN without payload, wherever bits of a
// computed NaN can be seen: in stores, reinterpretations, the sign that
// copysign takes, arguments of imports, results of exported functions, float
// globals and lanes of vectors. Vectors, which have no types of lanes, are
// canonical at all times. What a guest loads, or has as a constant, and
// stores again at once keeps its bits.
//
// # Depth
//
// Entering a function takes its weight, about its frame's size in bytes, off
// DepthLimit; leaving gives it back. Only functions that can come to call
// themselves are counted; all others together occur at most once on the
// stack, and the longest chain of them is taken off the limit beforehand.
//
// # Fuel
//
// Every instruction costs 1, but block, loop, else, end and nop nothing; what
// has an operand that says how much to do costs more (see memoryShift and growCall). What an
// imported function does is for the host to charge: it takes its price off the
// global of FuelExport, which the guest reads again after each call.
// Charges are made for straight pieces of code, at the latest at the next
// branch or call; the counter is checked when a loop begins a turn, when a
// function that calls others is entered, and before bulk work. A guest whose
// counter is below zero at a check traps there. When the guest traps for
// another reason, what it had not yet charged is lost: at most what the
// running function executed since its last call or its start. The same
// program on the same input uses the same fuel everywhere.
package rewrite

// Version changes whenever Rewrite makes other bytes of the same module.
const Version = 4

// The names of what is exported to the host.
const (
	// FuelExport is a mutable i64: the fuel that is left, below zero once
	// there was none.
	FuelExport = "anthill.fuel"
	// DepthExport is a mutable i32: the depth that is left, below zero once
	// calls were too deep.
	DepthExport = "anthill.depth"
	// StartExport is the module's start function, if it had one.
	StartExport = "anthill.start"
)

// memoryShift makes memory.fill, copy and init cost 1 for each 1<<memoryShift bytes;
// table instructions cost 1 for each entry. Growing a table costs only if it
// succeeds.
const memoryShift = 3

// Memory that grows is not filled yet, and whoever fills it pays for that: memory.grow
// costs growCall, for which the engine is called, and 1<<growShift for each page if it
// succeeds. By the rules of before it cost what filling costs, which a guest could have
// for nothing.
const (
	growCall     = 100
	growShift    = 2
	oldGrowShift = 16 - memoryShift
)
