package inspect

import (
	"slices"

	"github.com/anthill-grid/anthill/internal/module/wasm"
)

// The features that the grid takes, by the names of their proposals.
const (
	bulkMemory     = "bulk memory"
	multipleValues = "multiple values"
	mutableGlobals = "mutable globals across modules"
	referenceTypes = "reference types"
	saturating     = "saturating conversions"
	signExtension  = "sign extension"
	vectors        = "SIMD"
)

// features are those that a module uses, sorted.
func features(m *wasm.Module) []string {
	used := map[string]bool{}
	for _, t := range m.Types {
		used[multipleValues] = used[multipleValues] || len(t.Results) > 1
	}
	used[referenceTypes] = len(m.Tables) > 1
	globals := m.GlobalTypes()
	for _, e := range m.Exports {
		if e.Kind == wasm.KindGlobal && int64(e.Index) < int64(len(globals)) && globals[e.Index].Mutable {
			used[mutableGlobals] = true
		}
	}
	for i := range m.Code {
		var in wasm.Instruction
		for w := m.Walk(i); w.Next(&in); {
			if name := feature(in.Op); name != "" {
				used[name] = true
			}
		}
	}
	list := []string{}
	for name, is := range used {
		if is {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

// feature is what an instruction belongs to, "" for those of the first version.
func feature(op wasm.Op) string {
	const firstExtend, lastExtend, saturate = 0xc0, 0xc4, 0xfc00
	switch {
	case op >= 0xfd00:
		return vectors
	case op >= wasm.OpMemoryInit && op <= wasm.OpTableCopy:
		return bulkMemory
	case op > wasm.OpTableCopy:
		return referenceTypes // table.grow, table.size, table.fill
	case op >= saturate:
		return saturating
	case op >= firstExtend && op <= lastExtend:
		return signExtension
	case op == wasm.OpRefNull, op == wasm.OpRefIsNull, op == wasm.OpRefFunc, op == wasm.OpTableGet, op == wasm.OpTableSet, op == wasm.OpSelectTyped:
		return referenceTypes
	}
	return ""
}
