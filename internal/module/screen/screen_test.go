package screen_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/anthill-grid/anthill/internal/lab/handmade"
	"github.com/anthill-grid/anthill/internal/module/refusal"
	"github.com/anthill-grid/anthill/internal/module/screen"
)

func TestCheckAcceptsCommands(t *testing.T) {
	for name, module := range map[string][]byte{
		"noop": handmade.Noop(), "echo": handmade.Echo(),
	} {
		if err := screen.Check(module, screen.Options{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	abi := handmade.ABI
	cases := []struct {
		name   string
		module []byte
		reason refusal.Reason
		found  string
		next   string
	}{
		{"empty", nil, refusal.NotWasm, `starts with ""`, "build for wasip1"},
		{"text", []byte("(module (func))"), refusal.NotWasm, `starts with "(module "`, "build for wasip1"},
		{"native program", []byte("\x7fELF\x02\x01\x01\x00\x00"), refusal.NotWasm, `\x7fELF`, "build for wasip1"},
		{"header cut short", []byte("\x00asm\x01"), refusal.NotWasm, "not a WebAssembly module", "build for wasip1"},
		{"component", []byte("\x00asm\x0d\x00\x01\x00"), refusal.Component, "component", "build for wasip1"},
		{"later version", []byte("\x00asm\x02\x00\x00\x00"), refusal.Malformed, "version 2 of layer 0", "version 1"},
		{"too large", make([]byte, screen.MaxSize+1), refusal.TooLarge, "67108865 bytes", "67108864 bytes"},
		{"foreign module", importing("env", "js_log"), refusal.ForeignImport, `"env"."js_log"`, abi},
		{"old WASI", importing("wasi_unstable", "fd_write"), refusal.ForeignImport, "before preview 1", "newer toolchain"},
		{"unknown function", importing(abi, "sock_open"), refusal.ForeignImport, `"sock_open"`, "without extensions"},
		{"long name", importing("env", strings.Repeat("x", 1000)), refusal.ForeignImport, `x"...`, abi},
		{"imported memory", importedMemory(), refusal.ForeignImport, `"memory" as a memory`, "define it in the module"},
		{"no start", handmade.Spec{Start: "-", Pages: 1}.Encode(), refusal.NoStart, "no function _start", "main function"},
		{"reactor", handmade.Spec{Start: "_initialize", Pages: 1}.Encode(), refusal.NoStart, "_initialize", "as a command"},
		{"start with a parameter", handmade.Spec{StartSignature: handmade.OneArg, Pages: 1}.Encode(), refusal.NoStart, "takes or returns", "main"},
		{"no memory", handmade.Spec{Memory: "-", Pages: 1}.Encode(), refusal.NoMemory, `"memory"`, "export the memory"},
		{"memory by another name", handmade.Spec{Memory: "mem", Pages: 1}.Encode(), refusal.NoMemory, `"memory"`, "export"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var refused *refusal.Error
			if err := screen.Check(c.module, screen.Options{}); !errors.As(err, &refused) {
				t.Fatalf("Check = %v, want a refusal", err)
			}
			if refused.Reason != c.reason {
				t.Errorf("reason = %d, want %d (%v)", refused.Reason, c.reason, refused)
			}
			if !strings.Contains(refused.Found, c.found) || !strings.Contains(refused.Next, c.next) {
				t.Errorf("refusal = %q; want %q, then %q", refused.Error(), c.found, c.next)
			}
			if len(refused.Error()) > 400 {
				t.Errorf("refusal of %d bytes: too long to print", len(refused.Error()))
			}
		})
	}
}

// TestCheckRefusesEveryCut also shows that no cut makes it panic.
func TestCheckRefusesEveryCut(t *testing.T) {
	module := handmade.Echo()
	for n := range len(module) {
		if err := screen.Check(module[:n], screen.Options{}); err == nil && n < len(module)/2 {
			t.Errorf("first %d of %d bytes were accepted", n, len(module))
		}
	}
}

func TestCheckRefusesLyingCounts(t *testing.T) {
	header := "\x00asm\x01\x00\x00\x00"
	for name, section := range map[string]string{
		"types":       "\x01\x05\xff\xff\xff\xff\x0f",
		"imports":     "\x02\x05\xff\xff\xff\xff\x0f",
		"functions":   "\x03\x05\xff\xff\xff\xff\x0f",
		"exports":     "\x07\x05\xff\xff\xff\xff\x0f",
		"section":     "\x01\xff\xff\xff\xff\x0f",
		"number":      "\x01\x06\xff\xff\xff\xff\xff\x0f",
		"large":       "\x01\x05\xff\xff\xff\xff\x1f",
		"trailing":    "\x03\x02\x00\x00",
		"section id":  "\x63\x00",
		"type's form": "\x01\x04\x01\x40\x00\x00",
	} {
		var refused *refusal.Error
		if err := screen.Check([]byte(header+section), screen.Options{}); !errors.As(err, &refused) || refused.Reason != refusal.Malformed && refused.Reason != refusal.TooMany {
			t.Errorf("%s: Check = %v, want it malformed or to have too many", name, err)
		}
	}
}

func TestUnknownImportsMayTrap(t *testing.T) {
	trap := screen.Options{TrapUnknown: true}
	for _, source := range [][]byte{importing("env", "js_log"), importing(screen.ABI, "sock_open"), importing("wasi_unstable", "fd_write")} {
		if err := screen.Check(source, trap); err != nil {
			t.Errorf("with trap: %v", err)
		}
	}
	wantRefusal(t, importing(screen.ABI, "sock_open"), screen.Options{}, refusal.ForeignImport, "sock_open", "unknown_imports: trap")
	wantRefusal(t, importing("env", "js_log"), screen.Options{}, refusal.ForeignImport, "js_log", "unknown_imports: trap")
	for kind, source := range map[string][]byte{
		"memory": importedMemory(),
		"table":  []byte("\x00asm\x01\x00\x00\x00\x02\x0b\x01\x03env\x01t\x01\x70\x00\x01"),
		"global": []byte("\x00asm\x01\x00\x00\x00\x02\x0a\x01\x03env\x01g\x03\x7f\x00"),
	} {
		wantRefusal(t, source, trap, refusal.ForeignImport, "as a "+kind, "define it in the module")
	}
	wantRefusal(t, importing("env", strings.Repeat("x", screen.MaxName+1)), trap, refusal.TooMany, "4097 bytes in the name of an import", "shorter")
}

// TestOneStubForEachName has unknown imports that no function can stand in for.
func TestOneStubForEachName(t *testing.T) {
	trap := screen.Options{TrapUnknown: true}
	twice := func(a, b handmade.Import) []byte {
		return handmade.Spec{Pages: 1, Imports: []handmade.Import{a, b}}.Encode()
	}
	f, g := handmade.Import{Module: "env", Name: "f"}, handmade.Import{Module: "env", Name: "f", Signature: handmade.Predicate}
	for name, source := range map[string][]byte{
		"same type":               twice(g, g),
		"another name":            twice(f, handmade.Import{Module: "env", Name: "g", Signature: handmade.OneArg}),
		"another module":          twice(f, handmade.Import{Module: "other", Name: "f", Signature: handmade.OneArg}),
		"names that run together": twice(handmade.Import{Module: "ab", Name: "c"}, handmade.Import{Module: "a", Name: "bc", Signature: handmade.OneArg}),
		"no name":                 importing("env", ""),
	} {
		if err := screen.Check(source, trap); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	wantRefusal(t, twice(f, g), trap, refusal.ForeignImport, `imports "env"."f" twice, as () -> () and as (i32) -> i32`, "by the same everywhere")
	wantRefusal(t, twice(g, f), trap, refusal.ForeignImport, `imports "env"."f" twice, as (i32) -> i32 and as () -> ()`, "by the same everywhere")
	wantRefusal(t, importing("", "f"), trap, refusal.ForeignImport, `imports ""."f", of a module without a name`, "name the module")
}

func TestProposalsAreRefusedByName(t *testing.T) {
	code := func(code ...byte) []byte { return handmade.Spec{Pages: 1, Code: code}.Encode() }
	for _, c := range []struct {
		found, next string
		module      []byte
	}{
		{"threads", "-pthread", code(0xfe, 0x03, 0x00)},
		{"relaxed SIMD", "-mrelaxed-simd", code(0xfd, 0x80, 0x02)},
		{"tail calls", "-mtail-call", code(0x12, 0)},
		{"exceptions", "-fwasm-exceptions", code(0x08, 0)},
		{"garbage collection", "linear memory", code(0xfb, 0)},
		{"64-bit memory", "wasm32", []byte("\x00asm\x01\x00\x00\x00\x05\x03\x01\x04\x01")},
		{"multiple memories", "one memory", []byte("\x00asm\x01\x00\x00\x00\x05\x05\x02\x00\x01\x00\x01")},
	} {
		wantRefusal(t, c.module, screen.Options{}, refusal.Unsupported, "module needs "+c.found, c.next)
	}
}

func importing(module, name string) []byte {
	return handmade.Spec{
		Imports: []handmade.Import{{Module: module, Name: name}},
		Pages:   1,
	}.Encode()
}

func importedMemory() []byte {
	return []byte("\x00asm\x01\x00\x00\x00\x02\x22\x01\x16" + handmade.ABI + "\x06memory\x02\x00\x01")
}
