package rewrite

import (
	"slices"
	"strings"

	"github.com/anthill-grid/anthill/internal/module/wasm"
)

// plan is what is known of a module before its bodies are rewritten.
type plan struct {
	m       *wasm.Module
	options Options

	functions []uint32          // type index by function index, imports first
	imported  int               // how many of them are imported
	globals   []wasm.GlobalType // of the module as it came
	types     int               // how many types it came with
	byKey     map[string]uint32 // a type by its key

	surveys  []survey
	counted  []bool   // by body: entering it counts towards the depth
	exported []bool   // by function index
	taken    []bool   // by function index: it can be called through tables
	wrappers []uint32 // by import: the function to call in its place, or 0

	fuel, depth uint32 // indices of the added globals
	limit       int64  // what the depth counter begins with
}

func newPlan(m *wasm.Module, o Options) (*plan, error) {
	p := &plan{m: m, options: o, types: len(m.Types)}
	p.functions, p.globals = m.FunctionTypes(), m.GlobalTypes()
	p.imported = len(p.functions) - len(m.Functions)
	p.exported, p.taken = make([]bool, len(p.functions)), make([]bool, len(p.functions))
	p.fuel = uint32(len(p.globals))
	p.depth = p.fuel
	if o.Fuel {
		p.depth++
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	if err := p.surveyAll(); err != nil {
		return nil, err
	}
	if o.Depth {
		p.chooseCounted()
	}
	if o.NaN {
		return p, p.wrapImports()
	}
	return p, nil
}

// check refuses indices that do not exist. What is added gets the next index
// of its kind: without these checks a guest could name it beforehand.
func (p *plan) check() error {
	for _, t := range p.functions {
		if int64(t) >= int64(p.types) {
			return refuse("there is no type %d", t)
		}
	}
	if p.m.Start != nil && int64(*p.m.Start) >= int64(len(p.functions)) {
		return refuse("there is no function %d to start", *p.m.Start)
	}
	if s := p.m.Start; s != nil {
		// As an export the engine would not look at its type any more.
		if t := p.typeOf(*s); len(t.Params)+len(t.Results) > 0 {
			return refuse("the start function %d takes or returns values", *s)
		}
	}
	if err := p.checkExports(); err != nil {
		return err
	}
	return p.checkConstants()
}

func (p *plan) checkExports() error {
	for _, e := range p.m.Exports {
		switch {
		case e.Name == FuelExport || e.Name == DepthExport || e.Name == StartExport:
			return refuse("export %q is reserved", e.Name)
		case e.Kind == wasm.KindFunction && int64(e.Index) >= int64(len(p.functions)),
			e.Kind == wasm.KindGlobal && int64(e.Index) >= int64(len(p.globals)):
			return refuse("export %.80q names what does not exist", e.Name)
		case e.Kind == wasm.KindFunction:
			p.exported[e.Index] = true
		}
	}
	return nil
}

func (p *plan) checkConstants() error {
	for i := range p.m.Globals {
		if err := p.checkConstant(p.m.Globals[i].Init); err != nil {
			return err
		}
	}
	for i := range p.m.Elements {
		if err := p.checkConstant(p.m.Elements[i].Offset); err != nil {
			return err
		}
		for _, f := range p.m.Elements[i].Functions {
			if err := exists("function", int64(f), int64(len(p.functions))); err != nil {
				return err
			}
			p.taken[f] = true
		}
	}
	for i := range p.m.Data {
		if err := p.checkConstant(p.m.Data[i].Offset); err != nil {
			return err
		}
	}
	return nil
}

func (p *plan) checkConstant(code []byte) error {
	if len(code) == 0 {
		return nil
	}
	var w wasm.Walker
	w.Reset(&wasm.Body{Code: code})
	for in := (wasm.Instruction{}); w.Next(&in); {
		if err := p.checkIndex(&in, 0); err != nil {
			return err
		}
	}
	return w.Err()
}

// checkIndex looks at the index of an instruction in a body with so many
// locals (parameters among them).
func (p *plan) checkIndex(in *wasm.Instruction, locals uint64) error {
	switch in.Op {
	case wasm.OpLocalGet, wasm.OpLocalSet, wasm.OpLocalTee:
		return exists("local", int64(in.Index), int64(locals))
	case wasm.OpGlobalGet, wasm.OpGlobalSet:
		return exists("global", int64(in.Index), int64(len(p.globals)))
	case wasm.OpCall:
		return exists("function", int64(in.Index), int64(len(p.functions)))
	case wasm.OpRefFunc:
		if int64(in.Index) < int64(len(p.taken)) {
			p.taken[in.Index] = true
		}
		return exists("function", int64(in.Index), int64(len(p.functions)))
	case wasm.OpCallIndirect:
		return exists("type", int64(in.Index), int64(p.types))
	case wasm.OpBlock, wasm.OpLoop, wasm.OpIf:
		return exists("type", in.Value, int64(p.types))
	}
	return nil
}

func exists(what string, index, count int64) error {
	if index >= count {
		return refuse("there is no %s %d", what, index)
	}
	return nil
}

// typeOf is the signature of a function.
func (p *plan) typeOf(function uint32) *wasm.FuncType { return &p.m.Types[p.functions[function]] }

// typeIndex finds or adds a signature.
func (p *plan) typeIndex(t wasm.FuncType) uint32 {
	if p.byKey == nil {
		p.byKey = map[string]uint32{}
		for i := range p.m.Types {
			p.byKey[typeKey(&p.m.Types[i])] = uint32(i)
		}
	}
	at, known := p.byKey[typeKey(&t)]
	if !known {
		at = uint32(len(p.m.Types))
		p.byKey[typeKey(&t)] = at
		p.m.Types = append(p.m.Types, t)
	}
	return at
}

// typeKey is equal for equal signatures.
func typeKey(t *wasm.FuncType) string {
	key := make([]byte, 0, len(t.Params)+1+len(t.Results))
	for _, v := range t.Params {
		key = append(key, byte(v))
	}
	key = append(key, 0)
	for _, v := range t.Results {
		key = append(key, byte(v))
	}
	return string(key)
}

// dropDebugInformation drops sections about places in the code, which move.
func (p *plan) dropDebugInformation() {
	p.m.Customs = slices.DeleteFunc(p.m.Customs, func(c wasm.Custom) bool {
		return strings.HasPrefix(c.Name, ".debug_") || c.Name == "sourceMappingURL" || strings.HasPrefix(c.Name, "reloc.") || c.Name == "linking"
	})
}

func (p *plan) addGlobals() {
	if p.options.Fuel {
		p.addGlobal(FuelExport, wasm.I64, []byte{byte(wasm.OpI64Const), 0, byte(wasm.OpEnd)})
	}
	if p.options.Depth {
		init := wasm.AppendS64([]byte{byte(wasm.OpI32Const)}, p.limit)
		p.addGlobal(DepthExport, wasm.I32, append(init, byte(wasm.OpEnd)))
	}
}

func (p *plan) addGlobal(name string, t wasm.ValueType, init []byte) {
	index := uint32(p.m.ImportCount(wasm.KindGlobal) + len(p.m.Globals))
	p.m.Globals = append(p.m.Globals, wasm.Global{GlobalType: wasm.GlobalType{Type: t, Mutable: true}, Init: init})
	p.m.Exports = append(p.m.Exports, wasm.Export{Name: name, Kind: wasm.KindGlobal, Index: index})
}

// exportStart turns the start function into an export.
func (p *plan) exportStart() bool {
	if p.m.Start == nil {
		return false
	}
	p.m.Exports = append(p.m.Exports, wasm.Export{Name: StartExport, Kind: wasm.KindFunction, Index: *p.m.Start})
	p.m.Start = nil
	return true
}
