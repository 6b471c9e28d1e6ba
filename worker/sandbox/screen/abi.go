package screen

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/anthill-grid/anthill/worker/sandbox/wasm"
)

const headerSize = 8

// checkHeader looks at the magic, the version and the layer. A core module is
// version 1 of layer 0; components have layer 1 and a version of their own.
func checkHeader(module []byte) error {
	if len(module) < headerSize || !bytes.HasPrefix(module, []byte("\x00asm")) {
		return refuse(NotWasm, "not a WebAssembly module: it starts with "+quote(string(module[:min(len(module), 8)])),
			"build for wasip1 (Go: GOOS=wasip1 GOARCH=wasm go build) and give the .wasm file")
	}
	version, layer := binary.LittleEndian.Uint16(module[4:]), binary.LittleEndian.Uint16(module[6:])
	switch {
	case layer == 1:
		return refuse(Component, "module is a WebAssembly component",
			"build for wasip1 (core modules), not for wasip2 or the component model")
	case version != 1 || layer != 0:
		return refuse(Malformed, fmt.Sprintf("WebAssembly version %d of layer %d", version, layer),
			"build a core module of version 1 for wasip1")
	}
	return nil
}

// checkImports holds the ABI. Functions that it does not have are let through if
// the job wants them to trap.
func (c *checker) checkImports() error {
	for i := range c.m.Imports {
		in := &c.m.Imports[i]
		if n := max(len(in.Module), len(in.Name)); n > MaxName {
			return above(TooMany, "bytes in the name of an import", int64(n), MaxName, "import it by a shorter name")
		}
		if err := checkImport(in.Module, in.Name, in.Kind, c.opts.TrapUnknown); err != nil {
			return err
		}
		if err := c.checkStub(in); err != nil {
			return err
		}
	}
	return nil
}

// checkStub refuses functions that the engine cannot stand in for.
func (c *checker) checkStub(in *wasm.Import) error {
	t := c.signature(in.Index)
	if t == nil {
		return malformed(fmt.Sprintf("import %s has type %d, which does not exist", quote(in.Name), in.Index))
	}
	for _, v := range slices.Concat(t.Params, t.Results) {
		if v == wasm.V128 || v == wasm.FuncRef {
			return refuse(ForeignImport, fmt.Sprintf("module imports %s.%s, which takes or returns a vector or function", quote(in.Module), quote(in.Name)),
				"imported functions take and return numbers: leave out bindings to other hosts")
		}
	}
	return nil
}

func checkImport(module, name string, kind wasm.ExternKind, trap bool) error {
	what := quote(module) + "." + quote(name)
	switch {
	case kind != wasm.KindFunction && module == ABI || trap && kind != wasm.KindFunction:
		return refuse(ForeignImport, "module imports "+what+" as a "+kindName(kind),
			"only functions can be imported: define it in the module itself")
	case trap:
		return nil
	case module == "wasi_unstable":
		return refuse(ForeignImport, "module imports "+what+", of the WASI before preview 1",
			"build it with a newer toolchain, for wasip1")
	case module != ABI:
		return refuse(ForeignImport, "module imports "+what+", which a task cannot have",
			"only functions of "+ABI+" can be imported: build for wasip1 and leave out bindings to other hosts, "+
				"or set unknown_imports: trap if they are never called")
	case !isFunction(name):
		return refuse(ForeignImport, "module imports "+what+", which WASI preview 1 does not have",
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
func Known(module, name string) bool { return module == ABI && isFunction(name) }

// isFunction tells whether WASI preview 1 has a function.
func isFunction(name string) bool {
	switch name {
	case "args_get", "args_sizes_get",
		"clock_res_get", "clock_time_get",
		"environ_get", "environ_sizes_get",
		"fd_advise", "fd_allocate", "fd_close", "fd_datasync", "fd_fdstat_get",
		"fd_fdstat_set_flags", "fd_fdstat_set_rights", "fd_filestat_get",
		"fd_filestat_set_size", "fd_filestat_set_times", "fd_pread",
		"fd_prestat_dir_name", "fd_prestat_get", "fd_pwrite", "fd_read",
		"fd_readdir", "fd_renumber", "fd_seek", "fd_sync", "fd_tell", "fd_write",
		"path_create_directory", "path_filestat_get", "path_filestat_set_times",
		"path_link", "path_open", "path_readlink", "path_remove_directory",
		"path_rename", "path_symlink", "path_unlink_file",
		"poll_oneoff",
		"proc_exit", "proc_raise",
		"random_get",
		"sched_yield",
		"sock_accept", "sock_recv", "sock_send", "sock_shutdown":
		return true
	}
	return false
}
