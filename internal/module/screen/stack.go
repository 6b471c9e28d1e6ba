package screen

import (
	"fmt"

	"github.com/anthill-grid/anthill/internal/module/wasm"
)

// stack follows the types on the operand stack, by the algorithm in the appendix
// of WebAssembly's specification. What it refuses no engine compiles. After the
// first fault it stays failed.
type stack struct {
	values []wasm.ValueType
	frames []frame
	base   int              // of the innermost frame: outer blocks have what is below
	locals []wasm.ValueType // parameters first
	fault  string           // why the code is not valid, "" while it is
}

// unknown is a value of code that is never reached: any type fits.
const unknown wasm.ValueType = 0

// frame is an open block.
type frame struct {
	base            int // height below its parameters
	params, results []wasm.ValueType
	loop, forked    bool // forked is an if that had no else yet
	dead            bool // what follows in the block is never reached
}

// each has every type at its own index, so that parts of it are lists of one.
var each = makeEach()

func makeEach() (types [256]wasm.ValueType) {
	for i := range types {
		types[i] = wasm.ValueType(i)
	}
	return types
}

func (s *stack) reset(t *wasm.FuncType, groups []wasm.LocalGroup) {
	s.locals = append(s.locals[:0], t.Params...)
	for _, group := range groups {
		for range group.Count {
			s.locals = append(s.locals, group.Type)
		}
	}
	s.values, s.base, s.fault = s.values[:0], 0, ""
	s.frames = append(s.frames[:0], frame{results: t.Results})
}

func (s *stack) fail(format string, args ...any) {
	if s.fault == "" {
		s.fault = fmt.Sprintf(format, args...)
	}
}

func (s *stack) top() *frame { return &s.frames[len(s.frames)-1] }

// height is how many values are on the stack.
func (s *stack) height() int64 { return int64(len(s.values)) }

// label are the types that a branch passes to a label.
func (s *stack) label(n uint32) []wasm.ValueType {
	if int64(n) >= int64(len(s.frames)) {
		s.fail("there is no label %d", n)
		return nil
	}
	f := &s.frames[len(s.frames)-1-int(n)]
	if f.loop {
		return f.params
	}
	return f.results
}

func (s *stack) push(t wasm.ValueType) { s.values = append(s.values, t) }

func (s *stack) pushAll(types []wasm.ValueType) { s.values = append(s.values, types...) }

// pop takes off a value of a type.
func (s *stack) pop(want wasm.ValueType) {
	if n := len(s.values) - 1; n >= s.base && s.values[n] == want {
		s.values = s.values[:n]
		return
	}
	if got := s.popAny(); got != want && got != unknown {
		s.fail("%s where %s must be", typeName(got), typeName(want))
	}
}

// popAny takes off a value and gives its type.
func (s *stack) popAny() wasm.ValueType {
	n := len(s.values) - 1
	if n >= s.base {
		t := s.values[n]
		s.values = s.values[:n]
		return t
	}
	if !s.top().dead {
		s.fail("no value on the stack where one must be")
	}
	return unknown
}

// popAll takes off values of the types, the last of them first. It takes no
// longer for many: a few bytes of code can name a block with hundreds.
func (s *stack) popAll(want []wasm.ValueType) {
	have := s.values[s.base:]
	if len(have) < len(want) && s.top().dead {
		want = want[len(want)-len(have):]
	}
	if n := len(have) - len(want); n >= 0 && string(have[n:]) == string(want) {
		s.values = s.values[:s.base+n]
		return
	}
	for i := len(want) - 1; i >= 0 && s.fault == ""; i-- {
		s.pop(want[i])
	}
}

// fixed does an instruction that has a signature.
func (s *stack) fixed(sig *signature) {
	for i := sig.takes; i > 0; i-- {
		s.pop(sig.in[i-1])
	}
	if sig.out != 0 {
		s.push(sig.out)
	}
}

// unreachable begins code that is never reached.
func (s *stack) unreachable() {
	s.values = s.values[:s.base]
	s.top().dead = true
}

func (s *stack) open(f frame) {
	if f.forked {
		s.pop(wasm.I32)
	}
	s.popAll(f.params)
	f.base = len(s.values)
	s.base = f.base
	s.frames = append(s.frames, f)
	s.pushAll(f.params)
}

// finish checks that a block ends with its results and nothing else.
func (s *stack) finish() {
	s.popAll(s.top().results)
	if n := len(s.values) - s.base; n > 0 {
		s.fail("%d values too many at the end of a block", n)
	}
}

func (s *stack) otherwise() {
	s.finish()
	f := s.top()
	s.values = append(s.values[:f.base], f.params...)
	f.forked, f.dead = false, false
}

// close ends a block, or the function, whose frame stays.
func (s *stack) close() {
	s.finish()
	f := s.top()
	if f.forked && string(f.params) != string(f.results) {
		s.fail("if without else whose parameters are not its results")
	}
	s.values = append(s.values[:f.base], f.results...)
	if len(s.frames) > 1 {
		s.frames = s.frames[:len(s.frames)-1]
		s.base = s.top().base
	}
}

// choose is br_table: all its labels take what is on the stack.
func (s *stack) choose(labels []uint32) {
	s.pop(wasm.I32)
	last := s.label(labels[len(labels)-1])
	from := len(s.values)
	for _, label := range labels {
		want := s.label(label)
		if len(want) != len(last) {
			s.fail("br_table to labels that take %d and %d values", len(last), len(want))
			return
		}
		s.popAll(want)
		if s.fault != "" {
			return
		}
		s.values = s.values[:from] // popping overwrites nothing
	}
	s.unreachable()
}

func isReference(t wasm.ValueType) bool { return t == wasm.FuncRef || t == wasm.ExternRef }

// typeName names a type for people.
func typeName(t wasm.ValueType) string {
	switch t {
	case wasm.I32:
		return "an i32"
	case wasm.I64:
		return "an i64"
	case wasm.F32:
		return "an f32"
	case wasm.F64:
		return "an f64"
	case wasm.V128:
		return "a v128"
	case wasm.FuncRef:
		return "a funcref"
	case wasm.ExternRef:
		return "an externref"
	}
	return fmt.Sprintf("a value of type %#x", byte(t))
}
