package inspect

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/anthill-grid/anthill/internal/lab/handmade"
	"github.com/anthill-grid/anthill/internal/module/screen"
)

func text(s string) []byte { return append([]byte{byte(len(s))}, s...) }

func join(parts ...[]byte) []byte { return slices.Concat(parts...) }

func TestLook(t *testing.T) {
	f := Look(handmade.Spec{
		Imports: []handmade.Import{{Module: "env", Name: "connect"}, {Module: handmade.ABI, Name: "proc_exit", Signature: handmade.OneArg}},
		Code:    []byte{0x02, 0x40, 0x0b}, Locals: 5, Pages: 2, Table: true,
		Functions: []handmade.Function{{Type: 0, Code: []byte{0x41, 0, 0xc0, 0x1a, 0x01, 0x01, 0x01, 0x01}}}, // i32.extend8_s
		Customs: []handmade.Custom{
			{Name: "producers", Content: join([]byte{1}, text("processed-by"), []byte{2}, text("clang"), text("14.0"), text("lld"), text(""))},
			{Name: "name", Content: join([]byte{1, 12, 2, 2}, text("main"), []byte{3}, text("abc"))},
		},
	}.Encode(), screen.Options{TrapUnknown: true})
	if f.Refusal != nil || f.Rewritten <= f.Size/2 {
		t.Errorf("refused: %+v; %d bytes as it is run", f.Refusal, f.Rewritten)
	}
	if want := []Producer{{"processed-by", "clang", "14.0"}, {"processed-by", "lld", ""}}; !slices.Equal(f.Producers, want) {
		t.Errorf("producers %+v", f.Producers)
	}
	if want := []Import{{"env", "connect", "function", false}, {handmade.ABI, "proc_exit", "function", true}}; !slices.Equal(f.Imports, want) {
		t.Errorf("imports %+v", f.Imports)
	}
	if f.Memory == nil || f.Memory.Min != 2<<16 || f.Memory.Max != nil || len(f.Tables) != 1 || f.Functions != 2 {
		t.Errorf("memory %+v, tables %+v, %d functions", f.Memory, f.Tables, f.Functions)
	}
	if want := (Function{Index: 1, Code: 9, Name: "abc"}); f.Longest == nil || *f.Longest != want {
		t.Errorf("longest function %+v, want %+v", f.Longest, want)
	}
	if want := (Function{Index: 0, Work: 6, Name: "main"}); f.Costliest == nil || *f.Costliest != want {
		t.Errorf("costliest function %+v, want %+v", f.Costliest, want)
	}
	if want := []string{"sign extension"}; !slices.Equal(f.Features, want) || f.Start {
		t.Errorf("features %q, start section %v", f.Features, f.Start)
	}
}

// TestLookAtRefused: what can be told is told, and the rest is empty, not null.
func TestLookAtRefused(t *testing.T) {
	f := Look(handmade.Spec{Pages: 1, Start: "-"}.Encode(), screen.Options{})
	if f.Refusal == nil || !strings.Contains(f.Refusal.Found, "_start") || f.Refusal.Next == "" || f.Functions != 1 || f.Rewritten != 0 {
		t.Errorf("of a library: %+v, refusal %+v", f, f.Refusal)
	}
	f = Look([]byte("#!/bin/sh"), screen.Options{})
	encoded, err := json.Marshal(f)
	if err != nil || f.Refusal == nil || f.Size != 9 {
		t.Fatalf("of a script: %s, %v", encoded, err)
	}
	for _, list := range []string{"producers", "imports", "exports", "tables", "features"} {
		if !strings.Contains(string(encoded), `"`+list+`":[]`) {
			t.Errorf("%s is no empty list in %s", list, encoded)
		}
	}
}

func TestFeatures(t *testing.T) {
	drop := byte(0x1a)
	for want, code := range map[string][]byte{
		"":                       {0x41, 0, drop},
		"SIMD":                   join([]byte{0xfd, 12}, make([]byte, 16), []byte{drop}),
		"saturating conversions": {0x43, 0, 0, 0, 0, 0xfc, 0, drop},
		"bulk memory":            {0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 11, 0},
		"reference types":        {0xd0, 0x70, drop},
	} {
		f := Look(handmade.Spec{Code: code, Pages: 1}.Encode(), screen.Options{})
		if f.Refusal != nil || strings.Join(f.Features, ", ") != want {
			t.Errorf("features %q of %x (%+v); want %q", f.Features, code, f.Refusal, want)
		}
	}
}

// TestDamagedCustoms are left out, as far as they cannot be read.
func TestDamagedCustoms(t *testing.T) {
	for _, content := range [][]byte{nil, {1}, {0xff, 0xff, 0xff, 0xff, 0x0f}, {1, 200}, {1, 1, 'x', 0xff}, {1, 5, 3, 0, 9}} {
		for _, name := range []string{"producers", "name"} {
			f := Look(handmade.Spec{Pages: 1, Customs: []handmade.Custom{{Name: name, Content: content}}}.Encode(), screen.Options{})
			if len(f.Producers) > 0 || f.Longest == nil || f.Longest.Name != "" {
				t.Errorf("%s section %x: %+v, %+v", name, content, f.Producers, f.Longest)
			}
		}
	}
}
