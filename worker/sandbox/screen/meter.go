package screen

import (
	"fmt"

	"github.com/anthill-grid/anthill/worker/sandbox/wasm"
)

// The engine's compiler carries every variable through every branch, and every
// value that is on the stack or known as an address through every block; and it
// walks back over all blocks to see which are loops. So a branch costs one unit
// for itself, for each variable, for each loop around it and for each value that
// it passes on, and a share of one for each value on the stack, and for each
// memory access and each branch before it.
//
// Some branches are not to be seen: the engine makes them for bulk work, and the
// rewriter checks the fuel at bulk work, where memory grows and in loops.
const (
	// share is how many accesses cost one unit at a branch.
	share = 128
	// shareOfEach is what each value on the stack and each branch before costs in
	// such shares.
	shareOfEach = 4
	// freeGlobals are the mutable globals that honest modules have. They are
	// variables too, but cost only at calls, which load them anew.
	freeGlobals = 16
	// callShare is how many such loads cost one unit, passShare how many values that
	// a call takes and gives.
	callShare = 4
	passShare = 2
	// workOfCall, workOfLookup and workOfConversion are units that an instruction
	// costs wherever it is; workOfLookup is for the table of call_indirect.
	workOfCall       = 1
	workOfLookup     = 8
	workOfConversion = 16
	// branchesOfBulk, branchesOfGrowth and branchesOfLoop are how many branches
	// the engine gets to see.
	branchesOfBulk   = 4
	branchesOfGrowth = 2
	branchesOfLoop   = 2
)

// meter adds up what it costs to compile functions. It is used for one after
// the other.
type meter struct {
	c       *checker
	globals int64 // mutable ones
	walker  wasm.Walker
	stack   stack
	grown   map[uint32]bool // the tables that code grows

	variables int64
	loops     int64 // open ones
	accesses  int64 // of memory, so far
	branches  int64 // so far
	units     int64 // of work
	shares    int64 // of work, too
}

// checkCode walks through all code.
func (c *checker) checkCode() error {
	mt := meter{c: c, globals: int64(c.mutableGlobals()), grown: map[uint32]bool{}}
	var size int64
	for i := range c.m.Code {
		size += int64(len(c.m.Code[i].Code))
	}
	c.costs.Limit = ModuleWork + WorkPerByte*size
	for i := range c.m.Code {
		if err := mt.function(i); err != nil {
			return err
		}
		c.costs.add(i, mt.work())
		if c.costs.Work > c.costs.Limit {
			return c.tooCostly(size)
		}
	}
	return c.checkTables(mt.grown)
}

func (c *checker) tooCostly(size int64) error {
	return refuse(TooCostly, fmt.Sprintf("module has functions that cost %d units or more to compile, the limit is %d for its %d bytes of code",
		c.costs.Work, c.costs.Limit, size),
		"use fewer locals and branches in its largest functions, or compile with less inlining (-Os)")
}

func (c *Costs) add(function int, work int64) {
	c.Work += work
	if work > c.Most {
		c.Most, c.Function = work, function
	}
}

func (mt *meter) work() int64 { return mt.units + mt.shares/share }

// function meters the module's own i-th function.
func (mt *meter) function(i int) error {
	body := &mt.c.m.Code[i]
	t := &mt.c.m.Types[mt.c.m.Functions[i]]
	locals := int64(body.LocalCount()) + int64(len(t.Params))
	if locals > MaxLocals {
		return above(TooCostly, fmt.Sprintf("locals in its own function %d", i), locals, MaxLocals,
			"split that function, or compile it with -O2, which shares locals")
	}
	mt.variables = locals + max(0, mt.globals-freeGlobals)
	mt.loops, mt.accesses, mt.branches, mt.units, mt.shares = 0, 0, 0, locals, 0
	mt.walker.Reset(body)
	mt.stack.reset(t, body.Locals)
	return mt.walk(i)
}

func (mt *meter) walk(i int) error {
	var in wasm.Instruction
	for mt.walker.Next(&in) {
		sig := signatureOf(in.Op)
		if !sig.free {
			if in.Op == wasm.OpEnd && mt.stack.top().loop {
				mt.loops--
			}
			mt.count(&in)
		}
		if sig.free && sig.known {
			mt.stack.fixed(sig)
		} else {
			mt.c.apply(&mt.stack, &in)
		}
		if mt.stack.fault != "" {
			return mt.invalid(i, &in)
		}
		if sig.free {
			continue
		}
		if mt.walker.Depth() > MaxDepth {
			return above(TooCostly, fmt.Sprintf("nested blocks in its own function %d", i), int64(mt.walker.Depth()), MaxDepth,
				"split that function")
		}
		if len(in.Labels) > MaxBranchTable && in.Op == wasm.OpBrTable {
			return above(TooCostly, fmt.Sprintf("targets of a br_table in its own function %d", i), int64(len(in.Labels)), MaxBranchTable,
				"split that switch, or look values up in a table in memory")
		}
		if mt.work() > MaxWork {
			return mt.tooCostly(i)
		}
	}
	return mt.walker.Err()
}

func (mt *meter) invalid(i int, in *wasm.Instruction) error {
	return invalid("its own function %d, opcode %#x at offset %d: %s", i, uint16(in.Op), mt.c.m.Code[i].Offset+in.Start, mt.stack.fault)
}

func (mt *meter) tooCostly(i int) error {
	return refuse(TooCostly, fmt.Sprintf("module has its own function %d with so many branches (more than %d), variables (%d) and memory accesses that it costs over %d units to compile",
		i, mt.branches, mt.variables, MaxWork),
		fmt.Sprintf("the limit is %d units, about branches times variables: split that function, or compile it with less inlining (-Os)", MaxWork))
}

// count adds what an instruction costs. It comes before the stack changes.
func (mt *meter) count(in *wasm.Instruction) {
	switch op := in.Op; {
	case op >= wasm.OpI32Load && op <= wasm.OpI64Store32, op >= wasm.OpV128Load && op <= wasm.OpV128Store,
		op >= wasm.OpV128Load8Lane && op <= wasm.OpV128Load64Zero:
		mt.accesses++
	case op == wasm.OpLoop:
		mt.loops++
		mt.hidden(branchesOfLoop)
	case op == wasm.OpBlock, op == wasm.OpIf, op == wasm.OpElse:
		mt.branch(0)
	case op == wasm.OpBr, op == wasm.OpBrIf:
		mt.branch(int64(len(mt.stack.label(in.Index))))
	case op == wasm.OpReturn:
		mt.branch(int64(len(mt.stack.frames[0].results)))
	case op == wasm.OpBrTable:
		before := mt.branches
		for _, label := range in.Labels {
			mt.branch(int64(len(mt.stack.label(label))))
			mt.branches = before // they all come from one place
		}
		mt.branches += int64(len(in.Labels))
	case op == wasm.OpCall:
		mt.call(mt.c.callee(in.Index))
	case op == wasm.OpCallIndirect:
		mt.units += workOfLookup
		mt.call(mt.c.signature(in.Index))
	case isConversion(op):
		mt.units += workOfConversion
	case op == wasm.OpTableGrow:
		mt.grown[in.Index] = true
		mt.hidden(branchesOfGrowth)
	case op == wasm.OpMemoryGrow:
		mt.hidden(branchesOfGrowth)
	case isBulk(op):
		mt.hidden(branchesOfBulk)
	}
}

// call costs for each value that goes in or out, and for each global that the
// caller has to load anew.
func (mt *meter) call(t *wasm.FuncType) {
	mt.units += workOfCall
	mt.shares += mt.globals * share / callShare
	if t != nil {
		mt.shares += int64(len(t.Params)+len(t.Results)) * share / passShare
	}
}

// isConversion is for those between floats and integers: of each the processor
// needs many instructions, and branches.
func isConversion(op wasm.Op) bool {
	return op > wasm.OpI32WrapI64 && op <= wasm.OpI32WrapI64+4 ||
		op > wasm.OpI64ExtendI32U && op <= wasm.OpF64ConvertI64U && op != wasm.OpF32DemoteF64 ||
		op >= 0xfc00 && op <= 0xfc07 // the saturating ones
}

func isBulk(op wasm.Op) bool {
	switch op {
	case wasm.OpMemoryInit, wasm.OpMemoryCopy, wasm.OpMemoryFill, wasm.OpTableInit, wasm.OpTableCopy, wasm.OpTableFill:
		return true
	}
	return false
}

// hidden counts the branches of an instruction that is none or has more.
func (mt *meter) hidden(branches int) {
	for range branches {
		mt.branch(0)
	}
}

func (mt *meter) branch(passed int64) {
	mt.units += 1 + mt.variables + mt.loops + passed
	mt.shares += mt.accesses + shareOfEach*(mt.stack.height()+mt.branches)
	mt.branches++
}
