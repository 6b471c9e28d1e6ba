// Package inspect tells what is in a WASM module and what the grid makes of it,
// without running it.
package inspect

import (
	"errors"
	"fmt"

	"github.com/anthill-grid/anthill/internal/module/refusal"
	"github.com/anthill-grid/anthill/internal/module/rewrite"
	"github.com/anthill-grid/anthill/internal/module/screen"
	"github.com/anthill-grid/anthill/internal/module/wasm"
)

// pageSize is the unit of a memory's limits, in bytes.
const pageSize = 64 << 10

// Facts are what Look found. Of bytes that cannot be decoded there are only Size
// and Refusal.
type Facts struct {
	// Size is the module's length, Rewritten that of what runs in its place, 0 if
	// it is refused; both in bytes.
	Size      int `json:"size"`
	Rewritten int `json:"rewritten_size"`
	// Producers are what the module says of the tools that made it.
	Producers []Producer `json:"producers"`
	Imports   []Import   `json:"imports"`
	Exports   []Export   `json:"exports"`
	// Memory is nil if the module has none.
	Memory *Bounds `json:"memory"`
	// Tables are bounded in entries.
	Tables []Bounds `json:"tables"`
	// Functions is the number of the module's own, Code the length of their bodies
	// in bytes.
	Functions int `json:"functions"`
	Code      int `json:"code_size"`
	// Longest is the own function with the most code, Costliest that which is the
	// most work to compile; nil if there is none, or if it was not looked at.
	Longest   *Function `json:"longest_function"`
	Costliest *Function `json:"costliest_function"`
	// Work is what compiling all functions costs, WorkLimit the most that it may.
	Work      int64 `json:"work"`
	WorkLimit int64 `json:"work_limit"`
	// Features are what it uses beyond the first version of WebAssembly.
	Features []string `json:"features"`
	// Start tells whether it has a start section: code that runs before _start.
	Start bool `json:"start_section"`
	// Refusal is nil for a module that the grid takes.
	Refusal *refusal.Error `json:"refusal"`
}

// Producer is an entry of the producers section: Field is "language",
// "processed-by" or "sdk".
type Producer struct {
	Field   string `json:"field"`
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Import is something that the module imports. Known is set for functions that
// the grid has.
type Import struct {
	Module string `json:"module"`
	Name   string `json:"name"`
	Kind   string `json:"kind"`
	Known  bool   `json:"known"`
}

// Export is something that the module exports.
type Export struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
}

// Bounds are those of a memory, in bytes, or a table, in entries. Max is nil if
// there is none.
type Bounds struct {
	Min int64  `json:"min"`
	Max *int64 `json:"max"`
}

// Function is one of the module's own functions, by its index among them. Name is
// from the name section, if that has one. Costliest has no Code, Longest no Work.
type Function struct {
	Index int    `json:"index"`
	Code  int    `json:"code_size,omitempty"`
	Work  int64  `json:"work,omitempty"`
	Name  string `json:"name,omitempty"`
}

// Look inspects a module, and screens and rewrites it as a worker would for a job
// with these options.
func Look(source []byte, opts screen.Options) Facts {
	m, costs, refused := screen.Decode(source, opts)
	if m == nil && len(source) <= screen.MaxSize {
		m, _ = wasm.Decode(source) // what was refused for its counts can be described
	}
	f := Facts{
		Size: len(source), Work: costs.Work, WorkLimit: costs.Limit,
		Producers: []Producer{}, Imports: []Import{}, Exports: []Export{}, Tables: []Bounds{}, Features: []string{},
	}
	if m != nil {
		f.describe(m, costs)
	}
	if refused == nil {
		var r rewrite.Rewritten
		r, refused = rewrite.Module(m, rewrite.Options{NaN: true, Depth: true, Fuel: true})
		f.Rewritten = len(r.Module)
	}
	f.Refusal = refusalOf(refused)
	return f
}

func refusalOf(err error) *refusal.Error {
	var refused *refusal.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused) && refused.Next != "":
		return refused
	}
	return &refusal.Error{Found: err.Error(), Next: "build it again"}
}

func (f *Facts) describe(m *wasm.Module, costs screen.Costs) {
	f.Producers = producers(m)
	for _, in := range m.Imports {
		known := in.Kind == wasm.KindFunction && screen.Known(in.Module, in.Name)
		f.Imports = append(f.Imports, Import{Module: in.Module, Name: in.Name, Kind: kindName(in.Kind), Known: known})
	}
	for _, e := range m.Exports {
		f.Exports = append(f.Exports, Export{e.Name, kindName(e.Kind)})
	}
	for _, memory := range m.Memories {
		b := bounds(memory, pageSize)
		f.Memory = &b
	}
	for _, table := range m.Tables {
		f.Tables = append(f.Tables, bounds(table.Limits, 1))
	}
	f.Functions, f.Start, f.Features = len(m.Functions), m.Start != nil, features(m)
	f.describeCode(m, costs)
}

func (f *Facts) describeCode(m *wasm.Module, costs screen.Costs) {
	for i := range m.Code {
		size := len(m.Code[i].Code)
		f.Code += size
		if f.Longest == nil || size > f.Longest.Code {
			f.Longest = &Function{Index: i, Code: size}
		}
	}
	if costs.Most > 0 {
		f.Costliest = &Function{Index: costs.Function, Work: costs.Most}
	}
	for _, function := range []*Function{f.Longest, f.Costliest} {
		if function != nil {
			function.Name = functionName(m, uint32(m.ImportCount(wasm.KindFunction)+function.Index))
		}
	}
}

func bounds(l wasm.Limits, unit int64) Bounds {
	b := Bounds{Min: int64(l.Min) * unit}
	if l.HasMax {
		most := int64(l.Max) * unit
		b.Max = &most
	}
	return b
}

func kindName(kind wasm.ExternKind) string {
	names := [...]string{"function", "table", "memory", "global", "tag"}
	if int(kind) < len(names) {
		return names[kind]
	}
	return fmt.Sprintf("kind %d", kind)
}
