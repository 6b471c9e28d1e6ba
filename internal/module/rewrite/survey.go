package rewrite

import (
	"slices"

	"github.com/anthill-grid/anthill/internal/module/wasm"
)

// survey is what must be known of a body before its first instruction is
// written.
type survey struct {
	locals       uint64   // with the parameters
	instructions int      // how many
	vectors      int      // how many of them make vectors, or how many they make
	values       int64    // that may have a place in the frame
	calls        []uint32 // own functions that it calls, in order
	indirect     []uint32 // types that it calls through tables, in order
	exits        bool     // leaves other than at its end
	dirty        locals   // those that may hold a fresh NaN
}

// locals is a set of local variables. Those with an index beyond trackedLocals
// are always in it.
type locals []uint64

const trackedLocals = 4096

func (s *locals) add(index uint32) {
	if index >= trackedLocals {
		return
	}
	for int(index/64) >= len(*s) {
		*s = append(*s, 0)
	}
	(*s)[index/64] |= 1 << (index % 64)
}

func (s locals) has(index uint32) bool {
	return index >= trackedLocals || int(index/64) < len(s) && s[index/64]&(1<<(index%64)) != 0
}

func (p *plan) surveyAll() error {
	p.surveys = make([]survey, len(p.m.Code))
	s := surveyor{plan: p}
	for i := range p.m.Code {
		if err := s.survey(i); err != nil {
			return err
		}
	}
	return nil
}

// surveyor walks one body after the other.
type surveyor struct {
	*plan
	w        wasm.Walker
	in       wasm.Instruction
	prev     wasm.Op
	operands operands
}

func (s *surveyor) survey(i int) error {
	out := &s.surveys[i]
	body := &s.m.Code[i]
	out.locals = body.LocalCount() + uint64(len(s.typeOf(uint32(s.imported+i)).Params))
	s.w.Reset(body)
	s.operands.reset()
	s.prev = wasm.OpNop
	for s.w.Next(&s.in) {
		out.instructions++
		if s.in.Op < wasm.OpI32Eqz {
			if err := s.look(out); err != nil {
				return err
			}
		} else if s.in.Op == wasm.OpRefFunc {
			if err := s.checkIndex(&s.in, 0); err != nil {
				return err
			}
		}
		if s.in.Op >= wasm.OpV128Load {
			out.vectors++
		}
		if s.options.Depth {
			s.operate()
		}
		s.prev = s.in.Op
	}
	out.values += int64(out.locals) + s.operands.kept
	return s.w.Err()
}

func (s *surveyor) look(out *survey) error {
	in := &s.in
	if in.Op == wasm.OpLocalGet && uint64(in.Index) < out.locals {
		return nil // every third instruction
	}
	if err := s.checkIndex(in, out.locals); err != nil {
		return err
	}
	switch in.Op {
	case wasm.OpCall:
		out.vectors += countVectors(s.typeOf(in.Index).Results)
		if int(in.Index) >= s.imported {
			out.calls = append(out.calls, in.Index)
		}
	case wasm.OpCallIndirect:
		out.vectors += countVectors(s.m.Types[in.Index].Results)
		if n := len(out.indirect); n == 0 || out.indirect[n-1] != in.Index {
			out.indirect = append(out.indirect, in.Index)
		}
	case wasm.OpReturn:
		out.exits = true
	case wasm.OpBr, wasm.OpBrIf:
		out.exits = out.exits || int(in.Index) == s.w.Depth()
	case wasm.OpBrTable:
		out.exits = out.exits || slices.Contains(in.Labels, uint32(s.w.Depth()))
	case wasm.OpLocalSet, wasm.OpLocalTee:
		out.values++
		if s.options.NaN && !makesNoNaN(s.prev) {
			out.dirty.add(in.Index)
		}
	}
	return nil
}

// leaf says whether a body calls none of the module's functions.
func (s *survey) leaf() bool { return len(s.calls) == 0 && len(s.indirect) == 0 }
