package wasm_test

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/anthill-grid/anthill/internal/lab/guests"
	"github.com/anthill-grid/anthill/internal/lab/handmade"
	"github.com/anthill-grid/anthill/internal/module/wasm"
)

const header = "\x00asm\x01\x00\x00\x00"

func section(id byte, body string) string {
	return string([]byte{id}) + string(wasm.AppendU32(nil, uint32(len(body)))) + body
}

// body is a module of one function () -> () with the given instructions.
func body(code string) string {
	b := "\x00" + code
	return header + section(1, "\x01\x60\x00\x00") + section(3, "\x01\x00") + section(5, "\x01\x00\x01") +
		section(10, "\x01"+string(wasm.AppendU32(nil, uint32(len(b))))+b)
}

// walkAll walks every body and returns the number of instructions.
func walkAll(m *wasm.Module) (n int, err error) {
	var w wasm.Walker
	var in wasm.Instruction
	for i := range m.Code {
		for w.Reset(&m.Code[i]); w.Next(&in); n++ {
		}
		if err := w.Err(); err != nil {
			return n, err
		}
	}
	return n, nil
}

func TestUnsupported(t *testing.T) {
	for name, test := range map[string]struct{ module, feature string }{
		"atomic":           {body("\xfe\x03\x00\x0b"), wasm.FeatureThreads},
		"shared memory":    {header + section(5, "\x01\x03\x01\x02"), wasm.FeatureThreads},
		"relaxed":          {body("\xfd\x80\x02\x0b"), wasm.FeatureRelaxedSIMD},
		"return_call":      {body("\x12\x00\x0b"), wasm.FeatureTailCalls},
		"return_call_ind":  {body("\x13\x00\x00\x0b"), wasm.FeatureTailCalls},
		"try":              {body("\x06\x40\x0b\x0b"), wasm.FeatureExceptions},
		"try_table":        {body("\x1f\x40\x00\x0b\x0b"), wasm.FeatureExceptions},
		"tag section":      {header + section(13, "\x00"), wasm.FeatureExceptions},
		"tag import":       {header + section(2, "\x01\x01a\x01b\x04\x00\x00"), wasm.FeatureExceptions},
		"struct.new":       {body("\xfb\x00\x00\x0b"), wasm.FeatureGC},
		"struct type":      {header + section(1, "\x01\x5f\x00"), wasm.FeatureGC},
		"call_ref":         {body("\x14\x00\x0b"), wasm.FeatureFunctionRefs},
		"typed reference":  {header + section(1, "\x01\x60\x01\x64\x00\x00"), wasm.FeatureFunctionRefs},
		"two memories":     {header + section(5, "\x02\x00\x01\x00\x01"), wasm.FeatureMultiMemory},
		"memory index":     {body("\x3f\x01\x0b"), wasm.FeatureMultiMemory},
		"memory64":         {header + section(5, "\x01\x04\x01"), wasm.FeatureMemory64},
		"page size":        {header + section(5, "\x01\x08\x01\x00"), wasm.FeatureCustomPages},
		"constant sum":     {header + section(6, "\x01\x7f\x00\x41\x01\x41\x01\x6a\x0b"), wasm.FeatureExtendedConst},
		"wide add":         {body("\xfc\x13\x0b"), wasm.FeatureWideArithmetic},
		"component":        {"\x00asm\x0d\x00\x01\x00", wasm.FeatureComponentModel},
		"table initialize": {header + section(4, "\x01\x40\x00\x70\x00\x01\xd0\x70\x0b"), wasm.FeatureTableInitialize},
	} {
		if fault := faultOf(t, name, test.module); fault != nil && fault.Feature != test.feature {
			t.Errorf("%s: %v; want it to need %s", name, fault, test.feature)
		}
	}
}

func TestMalformed(t *testing.T) {
	for name, test := range map[string]struct{ module, reason string }{
		"empty":                 {"", "is not WebAssembly"},
		"version":               {"\x00asm\x02\x00\x00\x00", "version 2"},
		"section past end":      {header + "\x01\x05\x00", "module section, offset 10: cut short"},
		"section order":         {header + section(3, "\x00") + section(1, "\x00"), "type section after the function section"},
		"section twice":         {header + section(1, "\x00") + section(1, "\x00"), "type section after the type section"},
		"section id":            {header + section(14, ""), "section id 14"},
		"count of types":        {header + section(1, "\xff\xff\xff\xff\x0f"), "cut short"},
		"count of data":         {header + section(11, "\x01\x01\xff\xff\xff\xff\x0f"), "cut short"},
		"count of br_table":     {body("\x0e\xff\xff\xff\xff\x0f\x0b"), "label 11 within 0 blocks"},
		"number":                {header + section(3, "\xff\xff\xff\xff\x1f"), "more than 32 bits"},
		"left over":             {header + section(3, "\x00\x00"), "bytes left"},
		"functions and bodies":  {header + section(3, "\x01\x00"), "1 functions but 0 bodies"},
		"value type":            {header + section(1, "\x01\x60\x01\x20\x00"), "value type 0x20"},
		"no end":                {body("\x01"), "body without end"},
		"after the end":         {body("\x0b\x01\x0b"), "code section, offset 29: instructions after the end"},
		"open block":            {body("\x02\x40\x0b"), "cut short"},
		"else without if":       {body("\x02\x40\x05\x0b\x0b"), "else without if"},
		"second else":           {body("\x41\x00\x04\x40\x05\x05\x0b\x0b"), "else without if"},
		"label":                 {body("\x02\x40\x0c\x02\x0b\x0b"), "label 2 within 1 blocks"},
		"block type":            {body("\x02\x41\x0b\x0b"), "value type 0x41"},
		"vector gap":            {body("\xfd\x9a\x01\x0b"), "vector opcode 0x9a"},
		"long vector opcode":    {body("\xfd\x8c\x00\x0b"), "longer than it must be"},
		"bulk opcode":           {body("\xfc\x12\x0b"), "opcode 0xfc 0x12"},
		"opcode":                {body("\x27\x0b"), "opcode 0x27"},
		"alignment":             {body("\x28\x20\x00\x0b"), "alignment of 2^32"},
		"integer":               {body("\x41\xff\xff\xff\xff\x1f\x0b"), "too large"},
		"select of two types":   {body("\x1c\x02\x7f\x7f\x0b"), "select of 2 types"},
		"name":                  {header + section(7, "\x01\x01\xff\x00\x00"), "not UTF-8"},
		"constant with drop":    {header + section(6, "\x01\x7f\x00\x1a\x0b"), "in a constant expression"},
		"mutability":            {header + section(6, "\x01\x7f\x04\x0b"), "mutability 4"},
		"element kind":          {header + section(9, "\x01\x08"), "element segment of kind 8"},
		"data kind":             {header + section(11, "\x01\x03"), "data segment of kind 3"},
		"locals beyond 32 bits": {header + section(3, "\x01\x00") + section(10, "\x01\x0e\x02\xff\xff\xff\xff\x0f\x7f\x01\x7f\x0b\x00\x00\x00\x0b"), "locals"},
	} {
		if fault := faultOf(t, name, test.module); fault != nil && (fault.Feature != "" || !strings.Contains(fault.Error(), test.reason)) {
			t.Errorf("%s: %v; want %q", name, fault, test.reason)
		}
	}
}

func faultOf(t *testing.T, name, module string) *wasm.Error {
	t.Helper()
	m, err := wasm.Decode([]byte(module))
	if err == nil {
		_, err = walkAll(m)
	}
	var fault *wasm.Error
	if !errors.As(err, &fault) {
		t.Errorf("%s: error = %v, want a *wasm.Error", name, err)
	}
	return fault
}

func TestWalk(t *testing.T) {
	code := "\x02\x40\x03\x7f\x41\x7f\x0d\x00\x42\x80\x80\x01\x1a\x0b\x1a\x0b" +
		"\x41\x00\x04\x01\x05\x0b" +
		"\x43\x00\x00\xc0\x7f\x1a\x44\x00\x00\x00\x00\x00\x00\xf8\x7f\x1a" +
		"\x41\x00\x28\x02\x90\x01\x1a\x0e\x02\x00\x00\x00" +
		"\x11\x03\x01\xfd\x5a\x02\x08\x03\xfd\xae\x01\xfc\x0a\x00\x00\x1c\x01\x7c\xd0\x6f\x0b"
	m, err := wasm.Decode([]byte(body(code)))
	if err != nil {
		t.Fatal(err)
	}
	var ops []wasm.Op
	got := map[wasm.Op]wasm.Instruction{}
	w := m.Walk(0)
	end := 0
	for in := (wasm.Instruction{}); w.Next(&in); {
		if in.Start != end {
			t.Errorf("instruction %#x starts at %d, want %d", in.Op, in.Start, end)
		}
		end = in.End
		ops = append(ops, in.Op)
		copied := in
		copied.Labels = append([]uint32(nil), in.Labels...)
		got[in.Op] = copied
	}
	if err := w.Err(); err != nil || end != len(code) {
		t.Fatalf("walk ended at %d of %d: %v", end, len(code), err)
	}
	if len(ops) != 28 || w.Depth() != 0 {
		t.Errorf("%d instructions, depth %d: %#x", len(ops), w.Depth(), ops)
	}
	for _, c := range []struct {
		what      string
		got, want any
	}{
		{"block", got[wasm.OpBlock].Value, int64(wasm.BlockEmpty)},
		{"loop", got[wasm.OpLoop].Value, wasm.BlockValue(wasm.I32)},
		{"if", got[wasm.OpIf].Value, int64(1)},
		{"i64.const", got[wasm.OpI64Const].Value, int64(16384)},
		{"f32.const", got[wasm.OpF32Const].Value, int64(0x7fc00000)},
		{"f64.const", got[wasm.OpF64Const].Value, int64(0x7ff8000000000000)},
		{"load", [2]uint32{got[wasm.OpI32Load].Align, got[wasm.OpI32Load].Index}, [2]uint32{2, 144}},
		{"br_table", len(got[wasm.OpBrTable].Labels), 3},
		{"call_indirect", [2]uint32{got[wasm.OpCallIndirect].Index, got[wasm.OpCallIndirect].Second}, [2]uint32{3, 1}},
		{"lane", [2]uint32{got[0xfd5a].Index, got[0xfd5a].Second}, [2]uint32{8, 3}},
		{"select", string(got[wasm.OpSelectTyped].Bytes), "\x7c"},
		{"ref.null", wasm.ValueType(got[wasm.OpRefNull].Index), wasm.ExternRef},
	} {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("%s: got %v, want %v", c.what, c.got, c.want)
		}
	}
}

func TestRoundTripOfSmallGuests(t *testing.T) {
	for name, module := range map[string][]byte{
		"noop": handmade.Noop(), "echo": handmade.Echo(), "table": handmade.GrowTable(), "print": handmade.Print(1, "x"),
	} {
		m, err := wasm.Decode(module)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := m.Encode(); !bytes.Equal(got, module) {
			t.Errorf("%s: got % x, want % x", name, got, module)
		}
	}
}

// TestRoundTripOfGo decodes what the Go compiler makes, whose numbers are not
// all in their shortest form.
func TestRoundTripOfGo(t *testing.T) {
	module := goGuest(t)
	m, err := wasm.Decode(module)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := walkAll(m); err != nil || n < 100_000 {
		t.Fatalf("walked %d instructions: %v", n, err)
	}
	once := m.Encode()
	again, err := wasm.Decode(once)
	if err != nil {
		t.Fatal(err)
	}
	if twice := again.Encode(); !bytes.Equal(once, twice) {
		t.Error("a second round trip changes the module")
	}
	if !reflect.DeepEqual(withoutOffsets(m), withoutOffsets(again)) {
		t.Error("the round trip changes the module")
	}
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	defer func() { _ = r.Close(ctx) }()
	if _, err := r.CompileModule(ctx, once); err != nil {
		t.Errorf("the engine refuses the module: %v", err)
	}
}

// withoutOffsets leaves out what depends on how numbers are written.
func withoutOffsets(m *wasm.Module) [12]any {
	for i := range m.Code {
		m.Code[i].Offset = 0
	}
	return [...]any{
		m.Types, m.Imports, m.Functions, m.Tables, m.Memories, m.Globals,
		m.Exports, m.Start, m.Elements, m.Code, m.Data, m.Customs,
	}
}

func goGuest(tb testing.TB) []byte {
	tb.Helper()
	return guests.Module(tb, "github.com/anthill-grid/anthill/worker/sandbox/testdata/guest")
}

func FuzzDecode(f *testing.F) {
	for _, module := range [][]byte{
		nil, handmade.Noop(), handmade.Echo(), handmade.GrowTable(), []byte(body("\xfd\xae\x01\x0b")),
		[]byte(body("\x0e\xff\xff\xff\xff\x0f\x0b")), []byte(header + section(1, "\xff\xff\xff\xff\x0f")),
	} {
		f.Add(module)
	}
	f.Fuzz(func(t *testing.T, module []byte) {
		m, err := wasm.Decode(module)
		if err != nil {
			return
		}
		_, walkErr := walkAll(m)
		once := m.Encode()
		again, err := wasm.Decode(once)
		if err != nil {
			t.Fatalf("decode of encoded: %v", err)
		}
		if _, err := walkAll(again); (err == nil) != (walkErr == nil) {
			t.Fatalf("walk = %v, before it was encoded %v", err, walkErr)
		}
		if !bytes.Equal(once, again.Encode()) {
			t.Fatal("a second round trip changes the module")
		}
	})
}

func BenchmarkDecodeAndWalk(b *testing.B) {
	module := goGuest(b)
	b.SetBytes(int64(len(module)))
	for b.Loop() {
		m, err := wasm.Decode(module)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := walkAll(m); err != nil {
			b.Fatal(err)
		}
	}
}
