package screen

import (
	"bytes"
	"encoding/binary"
	"fmt"
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

func checkImport(module, name string, kind byte) error {
	what := quote(module) + "." + quote(name)
	switch {
	case module == "wasi_unstable":
		return refuse(ForeignImport, "module imports "+what+", of the WASI before preview 1",
			"build it with a newer toolchain, for wasip1")
	case module != ABI:
		return refuse(ForeignImport, "module imports "+what+", which a task cannot have",
			"only functions of "+ABI+" can be imported: build for wasip1 and leave out bindings to other hosts")
	case kind != kindFunction:
		return refuse(ForeignImport, "module imports "+what+" as a "+kindName(kind),
			"only functions of "+ABI+" can be imported: define it in the module itself")
	case !isFunction(name):
		return refuse(ForeignImport, "module imports "+what+", which WASI preview 1 does not have",
			"build for wasip1 without extensions such as threads or sockets")
	}
	return nil
}

func kindName(kind byte) string {
	switch kind {
	case kindTable:
		return "table"
	case kindMemory:
		return "memory"
	case kindGlobal:
		return "global"
	case kindTag:
		return "tag"
	}
	return fmt.Sprintf("thing of kind %d", kind)
}

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
