package walls

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

func attackFiles(cacheDir, readable string) []attack {
	read := func(path string) attack {
		_, err := os.ReadFile(path)
		return attempt("landlock", "read "+path, err)
	}
	write := func(path string) attack {
		return attempt("landlock", "write "+path, os.WriteFile(path, []byte("x"), 0o600))
	}
	list := func(path string) attack {
		_, err := os.ReadDir(path)
		return attempt("landlock", "list "+path, err)
	}
	blob := filepath.Join(readable, "blob")
	return []attack{
		read("/etc/passwd"), read("/proc/self/environ"), read(fmt.Sprintf("/proc/%d/environ", os.Getppid())),
		read(filepath.Join(cacheDir, "..", "secret")), read(filepath.Join(readable, "link")),
		list("/"), list(filepath.Dir(readable)), list("/proc/self/fd"),
		write(filepath.Join(filepath.Dir(cacheDir), "stray")), write(filepath.Join(readable, "new")), write(blob), write("/dev/null"),
		attempt("landlock", "remove "+blob, os.Remove(blob)),
		attempt("landlock", "move a file out of the cache", os.Rename(filepath.Join(cacheDir, "own"), filepath.Join(readable, "own"))),
		attempt("seccomp", "truncate "+blob, os.Truncate(blob, 0)),
		attempt("seccomp", "chmod "+blob, os.Chmod(blob, 0o777)),
		attempt("seccomp", "link", os.Link(blob, filepath.Join(cacheDir, "hard"))),
		attempt("seccomp", "symlink", os.Symlink("/etc/passwd", filepath.Join(cacheDir, "soft"))),
	}
}

func attackProcesses(string, string) []attack {
	parent := os.Getppid()
	forever := unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}
	local, remote := make([]byte, 1), unix.RemoteIovec{Base: 0x400000, Len: 1}
	_, peek := unix.ProcessVMReadv(parent, []unix.Iovec{{Base: &local[0], Len: 1}}, []unix.RemoteIovec{remote}, 0)
	return []attack{
		attempt("seccomp", "start a program", exec.Command("/bin/true").Run()),
		attempt("seccomp", "become a program", syscall.Exec("/bin/true", []string{"true"}, nil)),
		attempt("seccomp", "fork", fork()),
		attempt("seccomp", "trace the parent", unix.PtraceSeize(parent)),
		attempt("seccomp", "read the parent's memory", peek),
		// SIGURG does a Go program no harm, should it get through.
		attempt("seccomp", "signal the parent", unix.Kill(parent, unix.SIGURG)),
		attempt("seccomp", "signal a thread of the parent", unix.Tgkill(parent, parent, unix.SIGURG)),
		attempt("seccomp", "signal everybody", unix.Kill(-1, 0)),
		attempt("seccomp", "signal the group", unix.Kill(0, 0)),
		attempt("seccomp", "limit the parent", unix.Prlimit(parent, unix.RLIMIT_CPU, &forever, nil)),
		attempt("seccomp", "have signals of a file sent to the parent", setOwner(unix.F_SETOWN, parent)),
		attempt("seccomp", "choose the signal of a file", setOwner(unix.F_SETSIG, int(unix.SIGURG))),
		attempt("seccomp", "ask for signals of a file", setOwner(unix.F_SETFL, unix.O_ASYNC)),
		attempt("seccomp", "leave the idle class", unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr}, 0)),
	}
}

// fork leaves at once if it works.
func fork() error {
	pid, _, errno := syscall.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if errno != 0 {
		return errno
	}
	if pid == 0 {
		syscall.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
	}
	return nil
}

// setOwner commands a pipe, which a guest that has broken out may write to.
func setOwner(command, value int) error {
	_, err := unix.FcntlInt(uintptr(1), command, value)
	return err
}

// attackMemory asks for memory that the limits do not know or others have to do without.
func attackMemory(_, readable string) []attack {
	private, all := unix.MAP_PRIVATE|unix.MAP_ANON, unix.PROT_READ|unix.PROT_WRITE
	mapped := func(flags int) error {
		_, err := unix.Mmap(-1, 0, 1<<16, all, flags)
		return err
	}
	page, err := unix.Mmap(-1, 0, 1<<16, all, private)
	if err != nil {
		panic(err) // the engine needs it
	}
	fd, err := unix.Open(filepath.Join(readable, "blob"), unix.O_RDONLY, 0)
	if err != nil {
		panic(err)
	}
	_, err = unix.Mmap(fd, 0, 1, unix.PROT_READ, unix.MAP_PRIVATE)
	return []attack{
		attempt("seccomp", "share memory", mapped(unix.MAP_SHARED|unix.MAP_ANON)),
		attempt("seccomp", "lock memory", mapped(private|unix.MAP_LOCKED)),
		attempt("seccomp", "map a file", err),
		// The kernel knows no 77; what root could do with the others is real.
		attempt("seccomp", "give unknown advice", unlessKernel(unix.Madvise(page, 77))),
		attempt("seccomp", "merge memory", unix.Madvise(page, unix.MADV_MERGEABLE)),
	}
}

// unlessKernel is nil if it was the kernel that looked at the arguments.
func unlessKernel(err error) error {
	if err == unix.EINVAL {
		return nil
	}
	return err
}

// attackCalls also counts any answer but that of the filter as a breach: it is
// the kernel itself that would have looked at the arguments.
func attackCalls(string, string) []attack {
	var list []attack
	for name, number := range map[string]uintptr{
		"socket": unix.SYS_SOCKET, "socketpair": unix.SYS_SOCKETPAIR, "connect": unix.SYS_CONNECT, "bind": unix.SYS_BIND,
		"sendto": unix.SYS_SENDTO, "sendmsg": unix.SYS_SENDMSG, "recvmsg": unix.SYS_RECVMSG, "execveat": unix.SYS_EXECVEAT,
		"mount": unix.SYS_MOUNT, "umount2": unix.SYS_UMOUNT2, "open_tree": unix.SYS_OPEN_TREE, "fsopen": unix.SYS_FSOPEN,
		"pivot_root": unix.SYS_PIVOT_ROOT, "chroot": unix.SYS_CHROOT, "unshare": unix.SYS_UNSHARE, "setns": unix.SYS_SETNS,
		"kexec_load": unix.SYS_KEXEC_LOAD, "init_module": unix.SYS_INIT_MODULE, "reboot": unix.SYS_REBOOT,
		"bpf": unix.SYS_BPF, "perf_event_open": unix.SYS_PERF_EVENT_OPEN, "userfaultfd": unix.SYS_USERFAULTFD,
		"keyctl": unix.SYS_KEYCTL, "add_key": unix.SYS_ADD_KEY, "request_key": unix.SYS_REQUEST_KEY,
		"io_uring_setup": unix.SYS_IO_URING_SETUP, "io_uring_enter": unix.SYS_IO_URING_ENTER, "io_uring_register": unix.SYS_IO_URING_REGISTER,
		"io_setup": unix.SYS_IO_SETUP, "process_vm_writev": unix.SYS_PROCESS_VM_WRITEV,
		"pidfd_open": unix.SYS_PIDFD_OPEN, "pidfd_getfd": unix.SYS_PIDFD_GETFD, "pidfd_send_signal": unix.SYS_PIDFD_SEND_SIGNAL,
		"memfd_create": unix.SYS_MEMFD_CREATE, "shmget": unix.SYS_SHMGET, "msgget": unix.SYS_MSGGET, "mq_open": unix.SYS_MQ_OPEN,
		"setuid": unix.SYS_SETUID, "capset": unix.SYS_CAPSET, "personality": unix.SYS_PERSONALITY, "tkill": unix.SYS_TKILL,
		"settimeofday": unix.SYS_SETTIMEOFDAY, "ioctl": unix.SYS_IOCTL, "openat2": unix.SYS_OPENAT2,
		"a call to come": 5000, "a call of x32": 0x40000000 + unix.SYS_WRITE,
	} {
		_, _, errno := unix.RawSyscall6(number, 0, 0, 0, 0, 0, 0)
		a := attack{Name: name, Wall: "seccomp"}
		if errno == unix.EPERM {
			a.Got = errno.Error()
		}
		list = append(list, a)
	}
	return list
}

func attackLimits(cacheDir, readable string) []attack {
	list := []attack{
		attempt("file size", "write a huge file", writeAt(filepath.Join(cacheDir, "huge"), fileSize)),
		attempt("descriptors", "open 10,000 files", openMany(filepath.Join(readable, "blob"), 10_000)),
		attempt("seccomp", "lift a limit", unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY})),
	}
	_, err := unix.Mmap(-1, 0, 16<<30, unix.PROT_READ, unix.MAP_ANON|unix.MAP_PRIVATE)
	return append(list, attempt("address space", "map 16 GiB", err))
}

func writeAt(path string, offset int64) error {
	f, err := os.Create(path)
	if err != nil {
		return nil // the cache should be writable
	}
	defer func() { _ = f.Close() }()
	if _, err := f.WriteAt([]byte("x"), offset-1); err != nil {
		return nil // so should this be
	}
	_, err = f.WriteAt([]byte("x"), offset)
	return err
}

func openMany(path string, n int) error {
	for range n {
		if _, err := unix.Open(path, unix.O_RDONLY, 0); err != nil {
			return err
		}
	}
	return nil
}
