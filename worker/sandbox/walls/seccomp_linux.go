//go:build amd64 || arm64

package walls

import (
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The filter allows what is listed and refuses the rest with EPERM. A list of
// what is dangerous would be shorter to explain, but each kernel brings system
// calls that it does not know of, and those are the ones with holes in them.
// What the child needs is known and small: it is one static program without
// libraries, and the tests run all of it behind the filter, so that a Go
// release which needs more fails there and not at donors.
//
// Refusing and not killing keeps the worker simple: the Go runtime does without
// what it is refused, and a guest that has broken out gains nothing by going on.

// allowedCalls are those that may have any arguments.
// There is none that makes or uses a socket, starts a program, or looks at or
// changes another process, the kernel or the machine's settings.
func allowedCalls() []uint32 {
	return []uint32{
		// pipes and files
		unix.SYS_READ, unix.SYS_WRITE, unix.SYS_READV, unix.SYS_WRITEV,
		unix.SYS_PREAD64, unix.SYS_PWRITE64, unix.SYS_CLOSE, unix.SYS_LSEEK,
		unix.SYS_OPENAT, unix.SYS_FSTAT, unix.SYS_NEWFSTATAT, unix.SYS_GETDENTS64,
		unix.SYS_FLOCK, unix.SYS_FSYNC, unix.SYS_FDATASYNC, unix.SYS_FTRUNCATE,
		unix.SYS_MKDIRAT, unix.SYS_UNLINKAT, unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2,
		unix.SYS_UTIMENSAT, unix.SYS_READLINKAT, unix.SYS_FACCESSAT, unix.SYS_FACCESSAT2,
		// memory, which includes making it executable: the engine compiles
		unix.SYS_MUNMAP, unix.SYS_MPROTECT, unix.SYS_MREMAP, unix.SYS_BRK, unix.SYS_MINCORE,
		// threads of this process
		unix.SYS_FUTEX, unix.SYS_SCHED_YIELD, unix.SYS_SCHED_GETAFFINITY, unix.SYS_GETTID,
		unix.SYS_GETPID, unix.SYS_EXIT, unix.SYS_EXIT_GROUP, unix.SYS_RSEQ,
		unix.SYS_SET_ROBUST_LIST, unix.SYS_MEMBARRIER, unix.SYS_GETRUSAGE,
		// signals to itself
		unix.SYS_RT_SIGACTION, unix.SYS_RT_SIGPROCMASK, unix.SYS_RT_SIGRETURN,
		unix.SYS_SIGALTSTACK, unix.SYS_RESTART_SYSCALL,
		// waiting
		unix.SYS_NANOSLEEP, unix.SYS_CLOCK_NANOSLEEP, unix.SYS_CLOCK_GETTIME,
		unix.SYS_EPOLL_CREATE1, unix.SYS_EPOLL_CTL, unix.SYS_EPOLL_PWAIT,
		unix.SYS_EVENTFD2, unix.SYS_PIPE2, unix.SYS_PPOLL,
		unix.SYS_GETRANDOM,
	}
}

// guardedCall is allowed where all conditions hold.
type guardedCall struct {
	number     uint32
	conditions []condition
}

// condition compares an argument's lower half, with a mask laid over it; the
// upper half does not count in any of these calls.
type condition struct{ argument, mask, want uint32 }

func guardedCalls() []guardedCall {
	const (
		setVMA = 0x53564d41 // PR_SET_VMA, by which Go names its memory
		whole  = ^uint32(0)
	)
	self := uint32(os.Getpid())
	calls := []guardedCall{
		// Memory of its own, that the system may swap out.
		{unix.SYS_MMAP, []condition{{3, unix.MAP_TYPE | unix.MAP_ANONYMOUS | unix.MAP_LOCKED, unix.MAP_PRIVATE | unix.MAP_ANONYMOUS}}},
		// A thread, not a process.
		{unix.SYS_CLONE, []condition{{0, unix.CLONE_THREAD, unix.CLONE_THREAD}}},
		{unix.SYS_TGKILL, []condition{{0, whole, self}}},
		{unix.SYS_KILL, []condition{{0, whole, self}}},
		// The limits that move, of this process. Root could lift the others.
		{unix.SYS_PRLIMIT64, []condition{{0, whole, 0}, {1, whole, unix.RLIMIT_AS}}},
		{unix.SYS_PRLIMIT64, []condition{{0, whole, 0}, {1, whole, unix.RLIMIT_CPU}}},
		{unix.SYS_PRCTL, []condition{{0, whole, setVMA}}},
	}
	// Other advice poisons the machine's memory, if root gives it.
	for _, advice := range []uint32{unix.MADV_DONTNEED, unix.MADV_FREE, unix.MADV_HUGEPAGE, unix.MADV_NOHUGEPAGE, unix.MADV_COLLAPSE} {
		calls = append(calls, guardedCall{unix.SYS_MADVISE, []condition{{2, whole, advice}}})
	}
	// Another command has the kernel send any signal to the process that the caller names.
	for _, command := range []uint32{unix.F_GETFD, unix.F_SETFD, unix.F_GETFL, unix.F_DUPFD_CLOEXEC} {
		calls = append(calls, guardedCall{unix.SYS_FCNTL, []condition{{1, whole, command}}})
	}
	return append(calls, guardedCall{unix.SYS_FCNTL, []condition{{1, whole, unix.F_SETFL}, {2, unix.O_ASYNC, 0}}})
}

// block is the part of the filter that is about this call.
func (c guardedCall) block() []unix.SockFilter {
	rest := uint8(3*len(c.conditions) + 1)
	p := []unix.SockFilter{fetch(atNumber), skipUnless(c.number, rest)}
	for _, x := range c.conditions {
		rest -= 3
		p = append(p, fetch(atArguments+8*x.argument),
			unix.SockFilter{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: x.mask}, skipUnless(x.want, rest))
	}
	return append(p, verdict(sayAllow))
}

// Offsets in the kernel's struct seccomp_data, and what a filter answers.
const (
	atNumber, atArch, atArguments = 0, 4, 16

	sayAllow  = unix.SECCOMP_RET_ALLOW
	sayRefuse = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
	// C libraries know how to do without clone3 only if it does not exist.
	sayUnknown = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
)

// auditArch is the kernel's name for this architecture and its system calls.
// Those of x32 come under amd64's, but with numbers of their own, which are not
// listed.
func auditArch() uint32 {
	if runtime.GOARCH == "arm64" {
		return unix.AUDIT_ARCH_AARCH64
	}
	return unix.AUDIT_ARCH_X86_64
}

// filter is the program in the kernel's classic BPF. Another architecture's
// calls, which have other numbers, end the process.
func filter() []unix.SockFilter {
	p := []unix.SockFilter{
		fetch(atArch), skipIf(auditArch()), verdict(unix.SECCOMP_RET_KILL_PROCESS),
		fetch(atNumber),
	}
	for _, number := range allowedCalls() {
		p = append(p, skipUnless(number, 1), verdict(sayAllow))
	}
	p = append(p, skipUnless(unix.SYS_CLONE3, 1), verdict(sayUnknown))
	for _, c := range guardedCalls() {
		p = append(p, c.block()...)
	}
	return append(p, verdict(sayRefuse))
}

func fetch(offset uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
}

func verdict(what uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: what}
}

// skipIf leaves out the next instruction if what was loaded is k.
func skipIf(k uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: 1, K: k}
}

// skipUnless goes on if what was loaded is k, otherwise n instructions further.
func skipUnless(k uint32, n uint8) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: n, K: k}
}

// filterCalls puts the filter on all threads at once, and on those to come.
func filterCalls() error {
	// The kernel spreads no_new_privs from this thread to the others with it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("no_new_privs: %w", err)
	}
	program := filter()
	header := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	culprit, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&header)))
	runtime.KeepAlive(program)
	if errno != 0 {
		return fmt.Errorf("seccomp: %w", errno)
	}
	if culprit != 0 {
		return fmt.Errorf("seccomp: thread %d has a filter of its own", culprit)
	}
	return nil
}
