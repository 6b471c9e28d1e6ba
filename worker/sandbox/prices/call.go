package prices

import (
	"context"
	"math"

	"github.com/tetratelabs/wazero/api"
)

// errno is what a function of WASI preview 1 returns.
type errno uint32

// Those that the host gives by itself.
const (
	success     errno = 0
	badf        errno = 8
	fault       errno = 21
	inval       errno = 28
	nameTooLong errno = 37
)

// call is a guest's call of a function.
type call struct {
	context context.Context
	caller  api.Module
	stack   []uint64             // the parameters, and afterwards the result
	engine  api.GoModuleFunction // does what the function is for
}

// number is a parameter that is a count, a length or an address.
func (c *call) number(at int) uint32 { return uint32(c.stack[at]) }

// work has the engine do it.
func (c *call) work() errno { return c.workOn(c.stack) }

// workOn has the engine do it with other parameters.
func (c *call) workOn(stack []uint64) errno {
	c.engine.Call(c.context, c.caller, stack)
	return errno(stack[0])
}

// memory is what lies at an address, a parameter, if all of it lies in the guest's memory.
func (c *call) memory(at int, count uint32, size uint64) ([]byte, bool) {
	length := uint64(count) * size
	if length > math.MaxUint32 {
		return nil, false
	}
	return c.caller.Memory().Read(c.number(at), uint32(length))
}

func (c *call) has(at int, count uint32, size uint64) bool {
	_, ok := c.memory(at, count, size)
	return ok
}
