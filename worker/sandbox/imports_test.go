package sandbox

import (
	"fmt"
	"testing"

	"github.com/anthill-grid/anthill/internal/lab/handmade"
)

// importer imports two functions that the grid does not have, and runs code
// with them as functions 0 and 1 (Exit is 2).
func importer(code ...byte) []byte {
	return handmade.Spec{
		Imports: []handmade.Import{
			{Module: "env", Name: "js_log", Signature: handmade.FourArgs},
			{Module: handmade.ABI, Name: "sock_open", Signature: handmade.Predicate},
			{Module: handmade.ABI, Name: "proc_exit", Signature: handmade.OneArg},
		},
		Code: code, Pages: 1,
	}.Encode()
}

func TestUnknownImports(t *testing.T) {
	callLog := []byte{0x41, 1, 0x41, 2, 0x41, 3, 0x41, 4, 0x10, 0, 0x1a}
	cases := []struct {
		name   string
		module []byte
		trap   bool
		status Status
		reason string
	}{
		{"refused", importer(), false, Refused, `imports "env"."js_log"`},
		{"never called", importer(), true, Exited, ""},
		{"another module's called", importer(callLog...), true, Trapped, "called the import env.js_log, which this grid does not have"},
		{"unknown WASI function called", importer(0x41, 0, 0x10, 1, 0x1a), true, Trapped, "called the import wasi_snapshot_preview1.sock_open, which this grid does not have"},
		{"known function called", importer(0x41, 3, 0x10, 2), true, Exited, ""},
	}
	s := newSlot(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			task := newTask(t, c.module)
			task.TrapUnknown = c.trap
			first := run(t, s, task)
			wantStatus(t, first, c.status, c.reason)
			if again := run(t, newSlot(t), task); again.Status != first.Status || again.Reason != first.Reason {
				t.Errorf("another child: %v %q, want %v %q", again.Status, again.Reason, first.Status, first.Reason)
			}
		})
	}
}

// TestOddImports has imports that no honest module has. Whatever comes of them
// must be a result, not a fault of the worker; what is refused, the screen refuses.
func TestOddImports(t *testing.T) {
	many := make([]handmade.Import, 100)
	for i := range many {
		many[i] = handmade.Import{Module: fmt.Sprint("m", i), Name: "f"}
	}
	s := newSlot(t)
	for name, c := range map[string]struct {
		imports []handmade.Import
		status  Status
		reason  string
	}{
		"without names":             {[]handmade.Import{{}}, Refused, "of a module without a name; "},
		"of two types":              {[]handmade.Import{{Module: "env", Name: "f"}, {Module: "env", Name: "f", Signature: handmade.OneArg}}, Refused, "twice, as () -> () and as (i32) -> (); "},
		"twice":                     {[]handmade.Import{{Module: "env", Name: "f"}, {Module: "env", Name: "f"}}, Exited, ""},
		"known, of the wrong type":  {[]handmade.Import{{Module: handmade.ABI, Name: "proc_exit"}}, Refused, "as () -> (), WASI preview 1 has it as (i32) -> (); "},
		"from many modules":         {many, Exited, ""},
		"with the name of a start":  {[]handmade.Import{{Module: "env", Name: "_start"}, {Module: handmade.ABI, Name: "_start"}}, Exited, ""},
		"with a line end in a name": {[]handmade.Import{{Module: "a\nb", Name: "\x1b"}}, Exited, ""},
	} {
		t.Run(name, func(t *testing.T) {
			task := newTask(t, handmade.Spec{Pages: 1, Imports: c.imports}.Encode())
			task.TrapUnknown = true
			wantStatus(t, run(t, s, task), c.status, c.reason)
		})
	}
}

// TestTrapIsOfTheJob runs one module for two jobs in one child.
func TestTrapIsOfTheJob(t *testing.T) {
	s, task := newSlot(t), newTask(t, importer())
	task.TrapUnknown = true
	wantStatus(t, run(t, s, task), Exited, "")
	task.TrapUnknown = false
	wantStatus(t, run(t, s, task), Refused, "js_log")
}
