package screen

import (
	"fmt"

	"github.com/anthill-grid/anthill/internal/module/refusal"
	"github.com/anthill-grid/anthill/internal/module/rewrite"
	"github.com/anthill-grid/anthill/internal/module/wasm"
)

// What the engine's compiler takes long for, by its source and by measurement:
//
//   - Where several ways join, it makes each variable a value that each way passes
//     on, because along two ways it seldom sees that the value is the same. Then it
//     looks for those that are, and for each reads all that every way passes on.
//   - To find the value of a variable it goes back block by block to the last join.
//   - To find loops, it goes from each block up all that dominate it, which every
//     way there leads through.
//   - At the end of each block it notes the bound of each address that it knows
//     one of, and it follows each value through each block in which it is needed.
//
// Some branches are not to be seen: the engine makes them for bulk work, and the
// rewriter checks the fuel at bulk work, where memory grows and in loops, and mends
// floats.
const (
	// share is how many of the smallest costs, of some 10 ns, are one unit.
	share = 128
	// shareOfEach is what a known address, a value on the stack, a variable and a
	// block that dominates the current one cost at a branch, in such shares.
	shareOfEach = 4
	// sharesOfLookup are for a variable at a join, sharesOfPassing for each way
	// there; and there, one more for each passesPerShare other variables.
	sharesOfLookup  = 16
	sharesOfPassing = 32
	passesPerShare  = 4
	// freeGlobals are the mutable globals that honest modules have. They are
	// variables too, but cost only at calls, which load them again.
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
	// waysOfFilling lead to the two joins of the loop that filling becomes.
	waysOfFilling = 4
)

// meter adds up what it costs to compile functions. It is used for one after
// the other.
type meter struct {
	c       *checker
	globals int64 // mutable ones
	walker  wasm.Walker
	stack   stack
	flow    flow
	grown   map[uint32]bool // the tables that code grows

	variables int64 // the locals, and globals that count as such
	loops     int64 // open ones
	branches  int64 // so far
	mends     int   // of floats, behind branches
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
	return refuse(refusal.TooCostly, fmt.Sprintf("module has functions that cost %d units or more to compile, the limit is %d for its %d bytes of code",
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
		return above(refusal.TooCostly, fmt.Sprintf("locals in its own function %d", i), locals, MaxLocals,
			"split that function, or compile it with -O2, which shares locals")
	}
	mt.variables = locals + max(0, mt.globals-freeGlobals)
	mt.loops, mt.branches, mt.mends, mt.units, mt.shares = 0, 0, 0, locals, 0
	mt.flow.reset()
	mt.walker.Reset(body)
	mt.stack.reset(t, body.Locals)
	return mt.walk(i)
}

func (mt *meter) walk(i int) error {
	var in wasm.Instruction
	for mt.walker.Next(&in) {
		sig := signatureOf(in.Op)
		if !sig.free {
			mt.count(&in)
		}
		if sig.free && sig.known {
			mt.stack.fixed(sig)
		} else {
			mt.c.apply(&mt.stack, &in)
			if in.Op == wasm.OpLocalGet {
				mt.shares += mt.flow.chain
				mt.flow.seeks.reads++
			}
		}
		if mt.stack.fault != "" {
			return mt.invalid(i, &in)
		}
		if sig.free {
			continue
		}
		if mt.walker.Depth() > MaxDepth {
			return above(refusal.TooCostly, fmt.Sprintf("nested blocks in its own function %d", i), int64(mt.walker.Depth()), MaxDepth,
				"split that function")
		}
		if len(in.Labels) > MaxBranchTable && in.Op == wasm.OpBrTable {
			return above(refusal.TooCostly, fmt.Sprintf("targets of a br_table in its own function %d", i), int64(len(in.Labels)), MaxBranchTable,
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
	return refuse(refusal.TooCostly, fmt.Sprintf("module has its own function %d with so many branches (more than %d), variables (%d) and memory accesses that it costs over %d units to compile",
		i, mt.branches, mt.variables, MaxWork),
		fmt.Sprintf("the limit is %d units, about branches times variables: split that function, or compile it with less inlining (-Os)", MaxWork))
}

// count adds what an instruction costs. It comes before the stack changes.
func (mt *meter) count(in *wasm.Instruction) {
	if _, shows := rewrite.Shown(in, mt.c.globals); shows {
		mt.mend()
	}
	f := &mt.flow
	switch op := in.Op; {
	case op >= wasm.OpI32Load && op <= wasm.OpI64Store32, op >= wasm.OpV128Load && op <= wasm.OpV128Store,
		op >= wasm.OpV128Load8Lane && op <= wasm.OpV128Load64Zero:
		f.known++
	case op == wasm.OpBlock:
		mt.branch(0)
		f.openBlock()
	case op == wasm.OpLoop:
		mt.loops++
		f.openLoop()
		mt.hidden(branchesOfLoop)
	case op == wasm.OpIf:
		mt.branch(0)
		f.openIf()
	case op == wasm.OpElse:
		mt.branch(0)
		f.otherwise()
	case op == wasm.OpEnd:
		mt.close()
	case op == wasm.OpBr, op == wasm.OpBrIf:
		mt.branch(int64(len(mt.stack.label(in.Index))))
		f.way(in.Index)
		f.step(1)
		f.dead = f.dead || op == wasm.OpBr
	case op == wasm.OpReturn:
		mt.branch(int64(len(mt.stack.frames[0].results)))
		f.dead = true
	case op == wasm.OpUnreachable:
		f.dead = true
	case op == wasm.OpBrTable:
		for _, label := range in.Labels {
			mt.branch(int64(len(mt.stack.label(label))))
			f.way(label)
		}
		f.dead = true
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
	case op == wasm.OpMemoryFill, op == wasm.OpTableFill:
		mt.join(waysOfFilling, waysOfFilling*f.chain)
		mt.hidden(branchesOfBulk)
		f.join()
	case isBulk(op):
		mt.hidden(branchesOfBulk)
	}
}

// call costs for each value that goes in or out, and for each global that the
// caller has to load again.
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

// isBulk is for bulk work other than filling.
func isBulk(op wasm.Op) bool {
	switch op {
	case wasm.OpMemoryInit, wasm.OpMemoryCopy, wasm.OpTableInit, wasm.OpTableCopy:
		return true
	}
	return false
}

// hidden counts the branches of an instruction that is none or has more. The
// variables are looked up behind them.
func (mt *meter) hidden(branches int64) {
	for range branches {
		mt.branch(0)
	}
	mt.shares += branches * sharesOfLookup * mt.variables
	mt.flow.step(branches)
}

// mend counts the branch behind which a float is mended.
func (mt *meter) mend() {
	if mt.mends == rewrite.BranchedMends || mt.flow.dead {
		return
	}
	mt.mends++
	mt.branch(0)
	mt.join(2, 2*mt.flow.chain+1)
	mt.flow.join()
}

// branch counts one way out of where the walk is.
func (mt *meter) branch(passed int64) {
	if mt.flow.dead {
		return
	}
	mt.units += 1 + mt.loops + passed
	mt.shares += shareOfEach * (mt.flow.known + mt.stack.height() + mt.variables + mt.flow.depth)
	mt.branches++
}

// close counts what the end of a block costs, the only time when all ways to its
// label are known.
func (mt *meter) close() {
	l := mt.flow.close()
	switch {
	case l.ways > 1:
		mt.join(l.ways, l.chains)
	case l.loop:
		// Nothing leads back, so it was no join: what was looked for in the loop
		// was looked for before it, too.
		in := mt.flow.seeks
		mt.shares += l.open.chain * (in.reads - l.seeks.reads + mt.variables*(in.ways-l.seeks.ways))
		mt.flow.chain += l.open.chain
	}
	if l.loop {
		mt.loops--
	}
}

// join counts what it takes to carry the variables along so many ways, on which
// there are so many blocks since the last join.
func (mt *meter) join(ways, chains int64) {
	v := mt.variables
	mt.shares += ways*(sharesOfPassing*v+v*v/passesPerShare) + v*(sharesOfLookup+chains)
}
