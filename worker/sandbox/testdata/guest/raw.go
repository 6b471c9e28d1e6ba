package main

import (
	"fmt"
	"io"
	"runtime"
	"unsafe"
)

// The host's functions as they are, without what Go does first. An error number
// of 0 means that it worked.

//go:wasmimport wasi_snapshot_preview1 path_open
func pathOpen(fd, dirFlags uint32, path unsafe.Pointer, length, openFlags uint32, rights, inheriting uint64, fdFlags uint32, opened unsafe.Pointer) uint32

//go:wasmimport wasi_snapshot_preview1 path_link
func pathLink(fd, flags uint32, from unsafe.Pointer, fromLength, toFD uint32, to unsafe.Pointer, toLength uint32) uint32

//go:wasmimport wasi_snapshot_preview1 path_symlink
func pathSymlink(from unsafe.Pointer, fromLength, fd uint32, to unsafe.Pointer, toLength uint32) uint32

//go:wasmimport wasi_snapshot_preview1 path_readlink
func pathReadlink(fd uint32, path unsafe.Pointer, length uint32, to unsafe.Pointer, room uint32, n unsafe.Pointer) uint32

//go:wasmimport wasi_snapshot_preview1 path_rename
func pathRename(fd uint32, from unsafe.Pointer, fromLength, toFD uint32, to unsafe.Pointer, toLength uint32) uint32

//go:wasmimport wasi_snapshot_preview1 path_unlink_file
func pathUnlink(fd uint32, path unsafe.Pointer, length uint32) uint32

//go:wasmimport wasi_snapshot_preview1 path_create_directory
func pathCreateDirectory(fd uint32, path unsafe.Pointer, length uint32) uint32

//go:wasmimport wasi_snapshot_preview1 path_filestat_get
func pathStat(fd, flags uint32, path unsafe.Pointer, length uint32, stat unsafe.Pointer) uint32

//go:wasmimport wasi_snapshot_preview1 fd_renumber
func fdRenumber(from, to uint32) uint32

//go:wasmimport wasi_snapshot_preview1 fd_close
func fdClose(fd uint32) uint32

//go:wasmimport wasi_snapshot_preview1 fd_read
func fdRead(fd uint32, vectors unsafe.Pointer, count uint32, n unsafe.Pointer) uint32

//go:wasmimport wasi_snapshot_preview1 fd_write
func fdWrite(fd uint32, vectors unsafe.Pointer, count uint32, n unsafe.Pointer) uint32

//go:wasmimport wasi_snapshot_preview1 fd_prestat_get
func fdPrestat(fd uint32, stat unsafe.Pointer) uint32

//go:wasmimport wasi_snapshot_preview1 fd_filestat_set_size
func fdSetSize(fd uint32, size uint64) uint32

//go:wasmimport wasi_snapshot_preview1 fd_allocate
func fdAllocate(fd uint32, offset, length uint64) uint32

//go:wasmimport wasi_snapshot_preview1 sock_accept
func sockAccept(fd, flags uint32, opened unsafe.Pointer) uint32

//go:wasmimport wasi_snapshot_preview1 sock_recv
func sockReceive(fd uint32, vectors unsafe.Pointer, count, flags uint32, n, outFlags unsafe.Pointer) uint32

//go:wasmimport wasi_snapshot_preview1 sock_send
func sockSend(fd uint32, vectors unsafe.Pointer, count, flags uint32, n unsafe.Pointer) uint32

//go:wasmimport wasi_snapshot_preview1 sock_shutdown
func sockShutdown(fd, how uint32) uint32

const preopen = 3

// prober tells what should not have worked.
type prober struct{ out io.Writer }

func (p prober) want(failed bool, what string, args ...any) {
	if !failed {
		fmt.Fprintf(p.out, "could "+what+"\n", args...)
	}
}

// text is a path as the host wants it.
func text(s string) (unsafe.Pointer, uint32) {
	return unsafe.Pointer(unsafe.StringData(s)), uint32(len(s))
}

// raw tries at the level of descriptors and paths what files of Go would not
// let through.
func raw(_ io.Reader, out io.Writer) error {
	p := prober{out}
	p.descriptors()
	p.paths(preopen)
	p.changes(preopen)
	p.sockets()
	p.tricks()
	return nil
}

func vector(buffer []byte) [2]uint32 {
	return [2]uint32{uint32(uintptr(unsafe.Pointer(&buffer[0]))), uint32(len(buffer))}
}

// descriptors has none beside the standard ones and /data.
func (p prober) descriptors() {
	buffer := make([]byte, 16)
	v := vector(buffer)
	var n uint32
	var stat [2]uint32
	for fd := uint32(preopen); fd < 1024; fd++ {
		p.want(fdRead(fd, unsafe.Pointer(&v), 1, unsafe.Pointer(&n)) != 0, "read descriptor %d", fd)
		p.want(fdWrite(fd, unsafe.Pointer(&v), 1, unsafe.Pointer(&n)) != 0, "write descriptor %d", fd)
		if fd != preopen {
			p.want(fdPrestat(fd, unsafe.Pointer(&stat)) != 0, "find a directory at %d", fd)
		}
	}
	runtime.KeepAlive(buffer)
}

func open(fd uint32, path string, flags uint32, rights uint64) (opened uint32, failed bool) {
	at, length := text(path)
	e := pathOpen(fd, 1, at, length, flags, rights, rights, 0, unsafe.Pointer(&opened))
	return opened, e != 0
}

// outside are paths that lead out of a directory, or would elsewhere.
var outside = []string{
	"..", "../", "../..", "../etc/passwd", "../../../../../../etc/passwd", "/etc/passwd", "//etc/passwd", "/",
	"./../etc/passwd", "a.txt/../../etc/passwd", ".//..//etc/passwd", "/proc/self/environ", "/proc/self/mem",
	"/dev/null", "..\\etc\\passwd", "C:\\Windows", "../data/../etc/passwd", "link", "a.txt\x00/../../etc/passwd", "....//etc/passwd",
}

// paths leads nowhere but into the directory, whatever its number.
func (p prober) paths(fd uint32) {
	var stat [64]byte
	var n uint32
	for _, path := range outside {
		opened, failed := open(fd, path, 0, 1<<1|1<<14)
		p.want(failed, "open %q", path)
		if !failed {
			fdClose(opened)
		}
		at, length := text(path)
		p.want(pathStat(fd, 1, at, length, unsafe.Pointer(&stat)) != 0, "stat %q", path)
		p.want(pathReadlink(fd, at, length, unsafe.Pointer(&stat), 64, unsafe.Pointer(&n)) != 0, "read the link %q", path)
	}
}

// changes is what a read-only directory does not take.
func (p prober) changes(fd uint32) {
	const create, exclusive, truncate, writing = 1, 4, 8, 1 << 6
	for _, name := range []string{"new", "a.txt", "../new", "/tmp/new"} {
		for _, flags := range []uint32{create, create | exclusive, create | truncate, truncate} {
			opened, failed := open(fd, name, flags, writing)
			p.want(failed, "open %q to write, with flags %d", name, flags)
			if !failed {
				fdClose(opened)
			}
		}
	}
	from, fromLength := text("a.txt")
	for _, name := range []string{"b.txt", "../b.txt", "/tmp/b.txt"} {
		to, length := text(name)
		p.want(pathLink(fd, 0, from, fromLength, fd, to, length) != 0, "link %q", name)
		p.want(pathRename(fd, from, fromLength, fd, to, length) != 0, "rename to %q", name)
		p.want(pathSymlink(from, fromLength, fd, to, length) != 0, "make the link %q", name)
		p.want(pathCreateDirectory(fd, to, length) != 0, "make the directory %q", name)
	}
	p.want(pathUnlink(fd, from, fromLength) != 0, "remove a.txt")
	if opened, failed := open(fd, "a.txt", 0, 1<<1); !failed {
		p.want(fdSetSize(opened, 0) != 0, "truncate a file that it reads")
		p.want(fdAllocate(opened, 0, 1<<20) != 0, "enlarge a file that it reads")
		fdClose(opened)
	}
}

func (p prober) sockets() {
	buffer := make([]byte, 16)
	v := vector(buffer)
	var n, flags uint32
	for fd := range uint32(64) {
		p.want(sockAccept(fd, 0, unsafe.Pointer(&n)) != 0, "accept on %d", fd)
		p.want(sockReceive(fd, unsafe.Pointer(&v), 1, 0, unsafe.Pointer(&n), unsafe.Pointer(&flags)) != 0, "receive on %d", fd)
		p.want(sockSend(fd, unsafe.Pointer(&v), 1, 0, unsafe.Pointer(&n)) != 0, "send on %d", fd)
		p.want(sockShutdown(fd, 3) != 0, "shut down %d", fd)
	}
	runtime.KeepAlive(buffer)
}

// tricks moves and closes descriptors, and looks again.
func (p prober) tricks() {
	for fd := uint32(100); fd < 1024; fd++ {
		p.want(fdRenumber(fd, 99) != 0, "move descriptor %d, which is not there", fd)
	}
	moved := uint32(preopen)
	if fdRenumber(preopen, 40) == 0 {
		moved = 40
	}
	p.paths(moved)
	p.changes(moved)
	fdClose(0)
	fdClose(moved)
	p.descriptors()
	for _, path := range []string{"a.txt", "."} {
		_, failed := open(moved, path, 0, 1<<1)
		p.want(failed, "open %q in a closed directory", path)
	}
}
