package sandbox

import (
	"sync"
	_ "unsafe" // for linkname

	_ "github.com/tetratelabs/wazero" // which has the variable and the function
)

// interpreterFrames is how many calls of a guest may nest in the interpreter.
// rewrite.DepthLimit stops guests before that, on all engines at the same call:
// its functions weigh so much that no more than 110,000 fit. Where a frame takes
// more than 4.9 KB of Go's stack (5.1 KB on ppc64le and s390x, 6 KB on 32 bits) the
// stack ends first, and with it the child: that is no result, so no wrong one.
const interpreterFrames = 112_000

// What so many frames take beside the guest's own memory, in bytes.
const (
	// interpreterStack is for frames of ordinary functions: they are frames of Go's
	// stack, which is 512 MiB then and moves from one half as large; 989 MB were seen.
	interpreterStack = 1 << 30
	// interpreterValues is for those of the most locals that a function may have:
	// 872 MB of them, which are moved as well. It is given only where
	// the interpreter is asked for: donors whose machines have nothing else did not
	// agree to so much.
	interpreterValues = 2 << 30
)

// callStackCeiling is how many frames the engine's interpreter allows. Its 2000
// are less than what honest guests need and rewritten ones may have, and beyond
// it the same task would end in other ways on the two engines. The engine has
// no setting for it.
//
//go:linkname callStackCeiling github.com/tetratelabs/wazero/internal/engine/interpreter.callStackCeiling
var callStackCeiling int

// raiseInterpreter lets guests nest their calls as deep as in compiled code. It
// comes before the first guest.
func raiseInterpreter() { callStackCeiling = interpreterFrames }

// compilerSupported is how the engine decides. It compiles neither for all
// processors nor where the system forbids to make memory executable.
//
//go:linkname compilerSupported github.com/tetratelabs/wazero/internal/platform.CompilerSupported
func compilerSupported() bool

// compiles asks once, for it takes system calls.
var compiles = sync.OnceValue(compilerSupported)

// stackSpace is the memory that a guest's calls take from Go's stack: in
// compiled code they have one of their own.
func stackSpace(req request) int64 {
	switch {
	case req.Interpreter:
		return interpreterStack + interpreterValues
	case compiles():
		return 0
	}
	return interpreterStack
}
