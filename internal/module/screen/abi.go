package screen

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/anthill-grid/anthill/internal/module/refusal"
	"github.com/anthill-grid/anthill/internal/module/wasm"
)

const headerSize = 8

// checkHeader looks at the magic, the version and the layer. A core module is
// version 1 of layer 0; components have layer 1 and a version of their own.
func checkHeader(source []byte) error {
	if len(source) < headerSize || !bytes.HasPrefix(source, []byte("\x00asm")) {
		return refuse(refusal.NotWasm, "not a WebAssembly module: it starts with "+quote(string(source[:min(len(source), 8)])),
			"build for wasip1 (Go: GOOS=wasip1 GOARCH=wasm go build) and give the .wasm file")
	}
	version, layer := binary.LittleEndian.Uint16(source[4:]), binary.LittleEndian.Uint16(source[6:])
	switch {
	case layer == 1:
		return refuse(refusal.Component, "module is a WebAssembly component",
			"build for wasip1 (core modules), not for wasip2 or the component model")
	case version != 1 || layer != 0:
		return refuse(refusal.Malformed, fmt.Sprintf("WebAssembly version %d of layer %d", version, layer),
			"build a core module of version 1 for wasip1")
	}
	return nil
}

// checkImports holds the ABI. Functions that it does not have are let through if
// the job wants them to trap.
func (c *checker) checkImports() error {
	stubs := map[importName]*wasm.FuncType{}
	for i := range c.m.Imports {
		in := &c.m.Imports[i]
		if n := max(len(in.Module), len(in.Name)); n > MaxName {
			return above(refusal.TooMany, "bytes in the name of an import", int64(n), MaxName, "import it by a shorter name")
		}
		name := importName{in.Module, in.Name}
		err := checkImport(name, in.Kind, c.opts.TrapUnknown)
		switch t := c.signature(in.Index); {
		case err != nil:
		case t == nil:
			err = malformed(fmt.Sprintf("import %s has type %d, which does not exist", quote(in.Name), in.Index))
		case Known(in.Module, in.Name):
			err = checkKnown(name, t)
		default:
			err = checkStub(name, t, stubs[name])
			stubs[name] = t
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// importName is what an import is called.
type importName struct{ module, name string }

func (n importName) String() string { return quote(n.module) + "." + quote(n.name) }

// checkKnown refuses a function of the ABI by another type than it has.
func checkKnown(name importName, t *wasm.FuncType) error {
	want := functions[name.name]
	if isSame(t, &want) {
		return nil
	}
	return refuse(refusal.ForeignImport, fmt.Sprintf("module imports %s as %s, WASI preview 1 has it as %s", name, typeText(t), typeText(&want)),
		"declare it by that type, or leave it to the toolchain's own library for wasip1")
}

// checkStub refuses functions that the engine cannot stand in for. All imports of
// one name get one function, so they must have the type of the one before, if
// there is one.
func checkStub(name importName, t, before *wasm.FuncType) error {
	for _, v := range slices.Concat(t.Params, t.Results) {
		if v == wasm.V128 || v == wasm.FuncRef {
			return refuse(refusal.ForeignImport, fmt.Sprintf("module imports %s, which takes or returns a vector or function", name),
				"imported functions take and return numbers: leave out bindings to other hosts")
		}
	}
	switch {
	case name.module == "":
		return refuse(refusal.ForeignImport, fmt.Sprintf("module imports %s, of a module without a name", name),
			"name the module that it comes from, or leave it out")
	case before != nil && !isSame(t, before):
		return refuse(refusal.ForeignImport, fmt.Sprintf("module imports %s twice, as %s and as %s", name, typeText(before), typeText(t)),
			"a function that traps in its place can have one type: declare it by the same everywhere, or leave it out")
	}
	return nil
}

func isSame(a, b *wasm.FuncType) bool {
	return slices.Equal(a.Params, b.Params) && slices.Equal(a.Results, b.Results)
}

// typeText shows a type of the module's making, such as (i32, i64) -> i32,
// without letting it fill a screen.
func typeText(t *wasm.FuncType) string {
	results := typeList(t.Results)
	if len(t.Results) != 1 {
		results = "(" + results + ")"
	}
	return "(" + typeList(t.Params) + ") -> " + results
}

func typeList(types []wasm.ValueType) string {
	const most = 10
	names := make([]string, 0, most+1)
	for _, t := range types[:min(len(types), most)] {
		_, name, _ := strings.Cut(typeName(t), " ") // without its article
		names = append(names, name)
	}
	if len(types) > most {
		names = append(names, fmt.Sprintf("%d more", len(types)-most))
	}
	return strings.Join(names, ", ")
}

func checkImport(name importName, kind wasm.ExternKind, trap bool) error {
	switch what := name.String(); {
	case kind != wasm.KindFunction && (trap || name.module == ABI):
		return refuse(refusal.ForeignImport, "module imports "+what+" as a "+kindName(kind),
			"only functions can be imported: define it in the module itself")
	case trap:
		return nil
	case name.module == "wasi_unstable":
		return refuse(refusal.ForeignImport, "module imports "+what+", of the WASI before preview 1",
			"build it with a newer toolchain, for wasip1")
	case name.module != ABI:
		return refuse(refusal.ForeignImport, "module imports "+what+", which a task cannot have",
			"only functions of "+ABI+" can be imported: build for wasip1 and leave out bindings to other hosts, "+
				"or set unknown_imports: trap if they are never called")
	case !Known(name.module, name.name):
		return refuse(refusal.ForeignImport, "module imports "+what+", which WASI preview 1 does not have",
			"build for wasip1 without extensions such as threads or sockets, or set unknown_imports: trap if it is never called")
	}
	return nil
}

func kindName(kind wasm.ExternKind) string {
	switch kind {
	case wasm.KindTable:
		return "table"
	case wasm.KindMemory:
		return "memory"
	case wasm.KindGlobal:
		return "global"
	case wasm.KindTag:
		return "tag"
	}
	return fmt.Sprintf("thing of kind %d", kind)
}

// Known tells whether the grid has a function that a module imports.
func Known(module, name string) bool {
	_, ok := functions[name]
	return ok && module == ABI
}

// functions are those of WASI preview 1, with the types by which they can be
// imported.
var functions = makeFunctions()

func makeFunctions() map[string]wasm.FuncType {
	all := make(map[string]wasm.FuncType, len(functionTypes))
	for name, text := range functionTypes {
		var t wasm.FuncType
		t.Params, t.Results = parseTypes(text)
		all[name] = t
	}
	return all
}

// functionTypes are the functions' types, as parseTypes reads them. The engine
// has the functions themselves; a test holds these against what workers export.
var functionTypes = map[string]string{
	"args_get": "ii:i", "args_sizes_get": "ii:i", "environ_get": "ii:i", "environ_sizes_get": "ii:i",
	"clock_res_get": "ii:i", "clock_time_get": "ili:i",
	"fd_advise": "illi:i", "fd_allocate": "ill:i", "fd_close": "i:i", "fd_datasync": "i:i",
	"fd_fdstat_get": "ii:i", "fd_fdstat_set_flags": "ii:i", "fd_fdstat_set_rights": "ill:i",
	"fd_filestat_get": "ii:i", "fd_filestat_set_size": "il:i", "fd_filestat_set_times": "illi:i",
	"fd_pread": "iiili:i", "fd_prestat_dir_name": "iii:i", "fd_prestat_get": "ii:i", "fd_pwrite": "iiili:i",
	"fd_read": "iiii:i", "fd_readdir": "iiili:i", "fd_renumber": "ii:i", "fd_seek": "ilii:i",
	"fd_sync": "i:i", "fd_tell": "ii:i", "fd_write": "iiii:i",
	"path_create_directory": "iii:i", "path_filestat_get": "iiiii:i", "path_filestat_set_times": "iiiilli:i",
	"path_link": "iiiiiii:i", "path_open": "iiiiillii:i", "path_readlink": "iiiiii:i", "path_remove_directory": "iii:i",
	"path_rename": "iiiiii:i", "path_symlink": "iiiii:i", "path_unlink_file": "iii:i",
	"poll_oneoff": "iiii:i",
	"proc_exit":   "i:", "proc_raise": "i:i",
	"random_get":  "ii:i",
	"sched_yield": ":i",
	"sock_accept": "iii:i", "sock_recv": "iiiiii:i", "sock_send": "iiiii:i", "sock_shutdown": "ii:i",
}
