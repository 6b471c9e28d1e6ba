package screen

import (
	"fmt"
	"slices"

	"github.com/anthill-grid/anthill/internal/module/refusal"
	"github.com/anthill-grid/anthill/internal/module/rewrite"
	"github.com/anthill-grid/anthill/internal/module/wasm"
)

// checkModule judges what is outside of the code: that what is named exists,
// once, and that constants have the types of what they are for.
func (c *checker) checkModule() error {
	for _, check := range []func() error{
		c.checkFunctions, c.checkDeclarations, c.checkConstants, c.checkSegments, c.checkPlaces, c.checkRewritable,
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// checkFunctions looks at the types of functions, and at the start function.
func (c *checker) checkFunctions() error {
	for i, t := range c.m.Functions {
		if c.signature(t) == nil {
			return invalid("its own function %d has type %d, which does not exist", i, t)
		}
	}
	if start := c.m.Start; start != nil && !c.isPlain(int64(*start)) {
		return invalid("start function %d does not exist, or takes or returns values", *start)
	}
	return nil
}

// checkDeclarations looks at exports, limits and counts.
func (c *checker) checkDeclarations() error {
	const pages = 1 << 16
	seen := make(map[string]bool, len(c.m.Exports))
	for i := range c.m.Exports {
		e := &c.m.Exports[i]
		if seen[e.Name] {
			return invalid("two exports are called %s", quote(e.Name))
		}
		seen[e.Name] = true
		if int64(e.Index) >= c.count(e.Kind) {
			return invalid("export %s is %s %d, which does not exist", quote(e.Name), kindName(e.Kind), e.Index)
		}
	}
	for _, memory := range c.m.Memories {
		if memory.Min > pages || memory.HasMax && memory.Max > pages {
			return invalid("memory of more than %d pages", pages)
		}
	}
	for i, t := range c.m.Tables {
		if t.Limits.HasMax && t.Limits.Max < t.Limits.Min {
			return invalid("table %d has %d entries and at most %d", i, t.Limits.Min, t.Limits.Max)
		}
	}
	if n := c.m.DataCount; n != nil && int64(*n) != int64(len(c.m.Data)) {
		return invalid("%d data segments are counted, and there are %d", *n, len(c.m.Data))
	}
	return nil
}

// count is how many there are of what can be exported. Only functions are
// imported: checkImports comes before.
func (c *checker) count(kind wasm.ExternKind) int64 {
	switch kind {
	case wasm.KindFunction:
		return int64(len(c.types))
	case wasm.KindTable:
		return int64(len(c.m.Tables))
	case wasm.KindMemory:
		return int64(len(c.m.Memories))
	case wasm.KindGlobal:
		return int64(len(c.globals))
	}
	return 0
}

// checkConstants looks at what globals begin with and where segments go.
func (c *checker) checkConstants() error {
	for i := range c.m.Globals {
		g := &c.m.Globals[i]
		if t, _ := c.constant(g.Init); t != g.Type {
			return invalid("global %d does not begin with %s", i, typeName(g.Type))
		}
	}
	for i := range c.m.Data {
		if s := &c.m.Data[i]; s.Mode == wasm.Active {
			if t, _ := c.constant(s.Offset); t != wasm.I32 || len(c.m.Memories) == 0 {
				return invalid("data segment %d goes nowhere: its place is no i32, or there is no memory", i)
			}
		}
	}
	return nil
}

// checkSegments looks at the element segments.
func (c *checker) checkSegments() error {
	for i := range c.m.Elements {
		e := &c.m.Elements[i]
		if e.Mode == wasm.Active {
			if int64(e.Table) >= int64(len(c.m.Tables)) || c.m.Tables[e.Table].Type != e.Type {
				return invalid("element segment %d is for table %d, which does not exist or is of another type", i, e.Table)
			}
			if t, _ := c.constant(e.Offset); t != wasm.I32 {
				return invalid("place of element segment %d is no i32", i)
			}
		}
		for _, f := range e.Functions {
			if int64(f) >= int64(len(c.types)) {
				return invalid("element segment %d names function %d, which does not exist", i, f)
			}
		}
		for rest := e.Expressions; len(rest) > 0; {
			var t wasm.ValueType
			if t, rest = c.constant(rest); t != e.Type {
				return invalid("element segment %d has an element that is not %s", i, typeName(e.Type))
			}
		}
	}
	return nil
}

// checkPlaces refuses active segments that go beyond their memory or table as it
// is at the start: an instance of them traps before it begins. wazero only does so
// for data. Of elements it leaves out the segment and all that follow, without a
// word, and other engines do not. Where a segment goes is always known, since only
// an imported global could hide it.
func (c *checker) checkPlaces() error {
	for i := range c.m.Data {
		s := &c.m.Data[i]
		if s.Mode != wasm.Active {
			continue
		}
		if end, size := end(s.Offset, int64(len(s.Init))), int64(c.m.Memories[0].Min)*page; end > size {
			return refuse(refusal.Misplaced, fmt.Sprintf("data segment %d ends at byte %d of the memory, which has %d bytes at the start", i, end, size),
				"link with more initial memory (wasm-ld --initial-memory), or put the data at a lower address")
		}
	}
	for i := range c.m.Elements {
		e := &c.m.Elements[i]
		if e.Mode != wasm.Active {
			continue
		}
		if end, size := end(e.Offset, int64(e.Count)), int64(c.m.Tables[e.Table].Limits.Min); end > size {
			return refuse(refusal.Misplaced, fmt.Sprintf("element segment %d ends at entry %d of table %d, which has %d entries at the start", i, end, e.Table, size),
				"give the table a larger initial size, or put the elements at a lower place")
		}
	}
	return nil
}

// end is where a segment of so many bytes or entries ends.
func end(offset []byte, length int64) int64 {
	constant, _ := wasm.ReadConstant(offset)
	return int64(constant.Place) + length
}

// constant gives the type of the constant expression that code begins with, and
// what follows it. The type is unknown if the expression is not valid: it must
// leave one value. Globals are never imported, so it can ask none.
func (c *checker) constant(code []byte) (t wasm.ValueType, rest []byte) {
	constant, rest := wasm.ReadConstant(code)
	if constant.Values != 1 || constant.Global || constant.Reference && int64(constant.Function) >= int64(len(c.types)) {
		return unknown, rest
	}
	return constant.Type, rest
}

// checkRewritable refuses the little that Rewrite refuses of valid modules.
func (c *checker) checkRewritable() error {
	for i := range c.m.Exports {
		switch name := c.m.Exports[i].Name; name {
		case rewrite.FuelExport, rewrite.DepthExport, rewrite.StartExport:
			return refuse(refusal.Unrewritable, "module exports "+quote(name)+", a name that the grid uses", "export it by another name")
		}
	}
	c.declare()
	for f := range len(c.types) - len(c.m.Functions) {
		params := c.callee(uint32(f)).Params
		if c.declared[f] && (slices.Contains(params, wasm.F32) || slices.Contains(params, wasm.F64)) {
			return refuse(refusal.Unrewritable, fmt.Sprintf("module imports function %d, which takes floats, and exports it or calls it through a table", f),
				"call it from a function of the module's own, and export or point to that")
		}
	}
	return nil
}

// declare marks the functions that code may make references to.
func (c *checker) declare() {
	c.declared = make([]bool, len(c.types))
	for i := range c.m.Exports {
		if e := &c.m.Exports[i]; e.Kind == wasm.KindFunction {
			c.declared[e.Index] = true
		}
	}
	for i := range c.m.Elements {
		for _, f := range c.m.Elements[i].Functions {
			c.declared[f] = true
		}
	}
	for i := range c.m.Globals {
		if constant, _ := wasm.ReadConstant(c.m.Globals[i].Init); constant.Reference {
			c.declared[constant.Function] = true
		}
	}
}

// invalid refuses what no engine runs.
func invalid(format string, args ...any) error {
	return refuse(refusal.Invalid, "module is not valid: "+fmt.Sprintf(format, args...),
		"build it again with its compiler, or look at it with wasm-validate (WABT) or wasm-tools validate")
}
