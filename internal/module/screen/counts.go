package screen

import (
	"fmt"

	"github.com/anthill-grid/anthill/internal/module/refusal"
	"github.com/anthill-grid/anthill/internal/module/wasm"
)

// checkSurvey refuses by counts and sizes alone what would be much to decode.
func checkSurvey(s *wasm.Survey) error {
	for _, limit := range []struct {
		what    string
		section wasm.SectionID
		most    int64
		next    string
	}{
		{"types", wasm.SectionType, MaxTypes, "split it into several modules and jobs"},
		{"imports", wasm.SectionImport, MaxImports, "leave out bindings to other hosts"},
		{"functions", wasm.SectionFunction, MaxFunctions, "strip unused code (wasm-ld --gc-sections, -flto)"},
		{"functions", wasm.SectionCode, MaxFunctions, "strip unused code (wasm-ld --gc-sections, -flto)"},
		{"tables", wasm.SectionTable, MaxTables, "keep references in one table"},
		{"globals", wasm.SectionGlobal, MaxGlobals, "keep variables in memory"},
		{"exports", wasm.SectionExport, MaxExports, "export only _start and memory (not --export-all, -rdynamic)"},
		{"element segments", wasm.SectionElement, MaxElementSegments, "merge them into one"},
		{"data segments", wasm.SectionData, MaxDataSegments, "merge them (wasm-opt --memory-packing), or move data into the job's data files"},
		{"custom sections", wasm.SectionCustom, MaxCustomSections, "strip it (wasm-strip, wasm-opt --strip-debug, -Wl,--strip-all)"},
	} {
		if found := int64(s.Counts[limit.section]); found > limit.most {
			return above(refusal.TooMany, limit.what, found, limit.most, limit.next)
		}
	}
	return checkSizes(s)
}

func checkSizes(s *wasm.Survey) error {
	switch {
	case s.Sizes[wasm.SectionType] > maxTypeBytes:
		return above(refusal.TooMany, "bytes of types", s.Sizes[wasm.SectionType], maxTypeBytes, "pass many values by reference")
	case s.Sizes[wasm.SectionElement] > maxElementBytes:
		return above(refusal.TooMany, "bytes of elements", s.Sizes[wasm.SectionElement], maxElementBytes, "call fewer functions through pointers")
	case s.Sizes[wasm.SectionCode] > MaxCode:
		return above(refusal.TooCostly, "bytes of code", s.Sizes[wasm.SectionCode], MaxCode,
			"strip unused code (wasm-ld --gc-sections, -flto), or optimize for size (-Os)")
	case s.Body > MaxBody:
		return above(refusal.TooCostly, fmt.Sprintf("bytes in the body of its own function %d", s.BodyIndex), int64(s.Body), MaxBody,
			"split that function, keep its tables in data, or compile it with less inlining (-Os)")
	case s.LocalGroups > MaxLocals:
		return above(refusal.TooCostly, "declarations of locals in a function", int64(s.LocalGroups), MaxLocals,
			"split that function, or compile it with -O2")
	}
	return nil
}

func (c *checker) checkTypes() error {
	for i := range c.m.Types {
		t := &c.m.Types[i]
		if n := len(t.Params); n > MaxParams {
			return above(refusal.TooMany, fmt.Sprintf("parameters in type %d", i), int64(n), MaxParams, "pass many values by reference")
		}
		if n := len(t.Results); n > MaxResults {
			return above(refusal.TooMany, fmt.Sprintf("results in type %d", i), int64(n), MaxResults, "return many values by reference")
		}
	}
	return nil
}

func (c *checker) checkExports() error {
	for i := range c.m.Exports {
		if n := len(c.m.Exports[i].Name); n > MaxName {
			return above(refusal.TooMany, "bytes in the name of an export", int64(n), MaxName, "export it by a shorter name")
		}
	}
	return nil
}

// page is what memories are counted in, in bytes.
const page = 64 << 10

// checkMemory compares the memory with the job's limit. The engine takes less
// than the maximum that a module declares, so only the start counts.
func (c *checker) checkMemory() error {
	for _, memory := range c.m.Memories {
		found := int64(memory.Min) * page
		if c.opts.Memory > 0 && found > c.opts.Memory {
			return refuse(refusal.MemoryLimit, fmt.Sprintf("module starts with %d bytes of memory, the job's limit is %d", found, c.opts.Memory),
				"raise limits.memory, or link with less initial memory (wasm-ld --initial-memory)")
		}
		if memory.HasMax && memory.Max < memory.Min {
			return malformed(fmt.Sprintf("memory of %d pages and at most %d", memory.Min, memory.Max))
		}
	}
	return nil
}

func (c *checker) checkGlobals() error {
	if n := int64(c.mutableGlobals()); n > MaxMutableGlobals {
		return above(refusal.TooMany, "mutable globals", n, MaxMutableGlobals, "keep variables in memory: each call loads all of these again")
	}
	return nil
}

func (c *checker) mutableGlobals() int {
	n := 0
	for i := range c.m.Globals {
		if c.m.Globals[i].Mutable {
			n++
		}
	}
	return n
}

// checkElements bounds the entries that instances copy into tables.
func (c *checker) checkElements() error {
	var n int64
	for i := range c.m.Elements {
		n += int64(c.m.Elements[i].Count)
	}
	if n > MaxElements {
		return above(refusal.TooMany, "elements", n, MaxElements, "call fewer functions through pointers")
	}
	return nil
}

// checkTables bounds the tables at their largest: a table that code grows needs
// a maximum, since the limit on linear memory does not cover it.
func (c *checker) checkTables(grown map[uint32]bool) error {
	var entries int64
	for i, t := range c.m.Tables {
		size := int64(t.Limits.Min)
		if grown[uint32(i)] {
			if !t.Limits.HasMax {
				return refuse(refusal.Unbounded, fmt.Sprintf("module grows table %d (table.grow), which has no maximum", i),
					fmt.Sprintf("give the table a maximum of at most %d entries, or build without table.grow", MaxTableEntries))
			}
			size = max(size, int64(t.Limits.Max))
		}
		entries += size
	}
	if entries > MaxTableEntries {
		return above(refusal.TooMany, "table entries", entries, MaxTableEntries, "give tables a smaller size or maximum")
	}
	return nil
}

// checkNames refuses a name section that claims more names than it has: the
// engine allocates by the claim. It takes one such section.
func (c *checker) checkNames() error {
	seen := false
	for i := range c.m.Customs {
		if c.m.Customs[i].Name != "name" {
			continue
		}
		if seen {
			return invalid("it has two name sections")
		}
		seen = true
		claims, err := wasm.NameClaims(c.m.Customs[i].Data)
		if err != nil {
			return refuse(refusal.Malformed, "malformed name section: it has fewer names than it says, or not in UTF-8",
				"strip it (wasm-strip), or build with -Wl,--strip-all")
		}
		if n := int64(max(claims.Functions, claims.Locals)); n > MaxFunctions+MaxImports {
			return above(refusal.TooMany, "names of functions or locals", n, MaxFunctions+MaxImports, "strip the name section (wasm-strip)")
		}
	}
	return nil
}
