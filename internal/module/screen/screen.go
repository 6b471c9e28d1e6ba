// Package screen decides, without running or compiling anything, whether a
// module can be a task of ABI v1: a WASI preview 1 command that the engine
// compiles in reasonable time and memory. It is pure, walks the module once and
// allocates by what it has seen, never by what the module claims; so it is safe
// on any bytes and cheap enough to be asked at submit and again at every worker.
//
// It also validates the module, types and all, and sees that imports and segments
// fit: what passes the engine compiles, links and starts, unless it is out of memory
// or time.
package screen

import (
	"errors"
	"fmt"

	"github.com/anthill-grid/anthill/internal/module/refusal"
	"github.com/anthill-grid/anthill/internal/module/wasm"
)

// ABI is the module whose functions a guest may import.
const ABI = "wasi_snapshot_preview1"

// Options are what a job says of its module.
type Options struct {
	// Memory is the job's limit on linear memory, in bytes. Zero is one that is
	// not known yet.
	Memory int64
	// TrapUnknown lets the module import functions that the grid does not have;
	// calling one is a trap.
	TrapUnknown bool
}

// Costs is what compiling a module may cost, in the units of MaxWork.
type Costs struct {
	// Work is that of all functions together, Limit the most that it may be.
	Work, Limit int64
	// Most is the work of the one function that costs the most, Function which of
	// the module's own functions that is.
	Most     int64
	Function int
}

// Check returns nil for a module that fits the ABI and the limits, otherwise a
// *refusal.Error.
func Check(source []byte, opts Options) error {
	_, _, err := Decode(source, opts)
	return err
}

// Decode is Check that hands on what it learns: the module taken apart, nil if
// it did not come to that, and what it costs. Of a refused module the costs are
// those of what was looked at.
func Decode(source []byte, opts Options) (*wasm.Module, Costs, error) {
	if len(source) > MaxSize {
		return nil, Costs{}, refuse(refusal.TooLarge, fmt.Sprintf("module of %d bytes", len(source)),
			fmt.Sprintf("the limit is %d bytes: strip debug information, or move data into the job's data files", MaxSize))
	}
	if err := checkHeader(source); err != nil {
		return nil, Costs{}, err
	}
	s, err := wasm.Look(source)
	if err == nil {
		err = checkSurvey(&s)
	}
	if err != nil {
		return nil, Costs{}, explain(err)
	}
	m, err := wasm.Decode(source)
	if err != nil {
		return nil, Costs{}, explain(err)
	}
	c := checker{m: m, opts: opts, types: m.FunctionTypes(), globals: m.GlobalTypes()}
	err = explain(c.check())
	return m, c.costs, err
}

// checker has what the checks look at.
type checker struct {
	m     *wasm.Module
	opts  Options
	types []uint32 // type index by function index, imports first
	costs Costs    // so far

	globals  []wasm.GlobalType
	declared []bool // the functions that code may make references to
}

func (c *checker) check() error {
	for _, check := range []func() error{
		c.checkImports, c.checkTypes, c.checkExports, c.checkCommand, c.checkMemory, c.checkGlobals,
		c.checkElements, c.checkNames, c.checkModule, c.checkCode,
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// checkCommand judges whether the module is a WASI command.
func (c *checker) checkCommand() error {
	start, initializer, memory := int64(-1), false, false
	for _, e := range c.m.Exports {
		switch {
		case e.Kind == wasm.KindFunction && e.Name == "_start":
			start = int64(e.Index)
		case e.Kind == wasm.KindFunction && e.Name == "_initialize":
			initializer = true
		case e.Kind == wasm.KindMemory && e.Name == "memory":
			memory = true
		}
	}
	switch {
	case start < 0 && initializer:
		return refuse(refusal.NoStart, "module exports _initialize but no function _start",
			"it is a library (reactor): build it as a command, with a main function")
	case start < 0:
		return refuse(refusal.NoStart, "module exports no function _start",
			"build it as a WASI command, with a main function (Go: GOOS=wasip1 GOARCH=wasm go build)")
	case !c.isPlain(start):
		return refuse(refusal.NoStart, "function _start takes or returns values",
			"_start of a WASI command does neither: build it with a main function")
	case !memory:
		return refuse(refusal.NoMemory, "module exports no memory called \"memory\"",
			"WASI needs it: let the linker export the memory (wasm-ld does so by default)")
	}
	return nil
}

// isPlain tells whether a function takes and returns nothing.
func (c *checker) isPlain(function int64) bool {
	if function >= int64(len(c.types)) {
		return false
	}
	t := c.signature(c.types[function])
	return t != nil && len(t.Params) == 0 && len(t.Results) == 0
}

// callee gives the type of a function, nil if there is none.
func (c *checker) callee(function uint32) *wasm.FuncType {
	if int64(function) >= int64(len(c.types)) {
		return nil
	}
	return c.signature(c.types[function])
}

// signature gives a type by its index, nil if there is none.
func (c *checker) signature(index uint32) *wasm.FuncType {
	if int64(index) >= int64(len(c.m.Types)) {
		return nil
	}
	return &c.m.Types[index]
}

// explain turns what the decoder says into a refusal.
func explain(err error) error {
	var fault *wasm.Error
	switch {
	case !errors.As(err, &fault):
		return err
	case fault.Feature != "":
		return refuse(refusal.Unsupported, fmt.Sprintf("module needs %s: %s at offset %d", fault.Feature, fault.Reason, fault.Offset), without(fault.Feature))
	}
	return malformed(fmt.Sprintf("%s section, offset %d: %s", fault.Section, fault.Offset, fault.Reason))
}
