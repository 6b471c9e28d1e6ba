package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/anthill-grid/anthill/worker/sandbox/guesttest"
)

// attack is what a guest might try that has broken out of the engine.
type attack struct {
	Name string
	Wall string // that stops it
	Got  string // its error; empty if it worked
}

// walledMain puts up the walls and runs against them.
func walledMain(cacheDir, readable string) error {
	walls := raiseWalls(setup{CacheDir: cacheDir, Readable: []string{readable}})
	encoder := json.NewEncoder(os.Stdout)
	if err := encoder.Encode(walls); err != nil {
		return err
	}
	for _, try := range []func(string, string) []attack{attackFiles, attackProcesses, attackCalls, attackLimits} {
		for _, a := range try(cacheDir, readable) {
			if err := encoder.Encode(a); err != nil {
				return err
			}
		}
	}
	return nil
}

func attempt(wall, name string, err error) attack {
	a := attack{Name: name, Wall: wall}
	if err != nil {
		a.Got = err.Error()
	}
	return a
}

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

// TestTheWallsHold lets a process attack the machine from inside the walls.
func TestTheWallsHold(t *testing.T) {
	dir := t.TempDir()
	cacheDir, readable := filepath.Join(dir, "cache"), filepath.Join(dir, "readable")
	for _, path := range []string{cacheDir, readable} {
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	secret, blob := filepath.Join(dir, "secret"), filepath.Join(readable, "blob")
	for _, path := range []string{secret, blob, filepath.Join(cacheDir, "own")} {
		if err := os.WriteFile(path, []byte("whole"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(secret, filepath.Join(readable, "link")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "walled", cacheDir, readable)
	cmd.Stderr = os.Stderr
	// A group of its own, as a child has: the lowest priority is the group's.
	cmd.SysProcAttr = attributes()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("the attacker ended: %v\n%s", err, out)
	}
	decoder := json.NewDecoder(strings.NewReader(string(out)))
	var walls Walls
	if err := decoder.Decode(&walls); err != nil {
		t.Fatal(err)
	}
	n := 0
	for ; decoder.More(); n++ {
		var a attack
		if err := decoder.Decode(&a); err != nil {
			t.Fatal(err)
		}
		t.Run(a.Name, func(t *testing.T) {
			for _, m := range walls.Missing {
				if m.Name == a.Wall {
					t.Skipf("no %s here: %s", m.Name, m.Why)
				}
			}
			if a.Got == "" {
				t.Errorf("it worked, or met the kernel: %s did not stop it", a.Wall)
			}
		})
	}
	if n < 70 {
		t.Errorf("%d attacks", n)
	}
	for _, path := range []string{secret, blob} {
		if content, err := os.ReadFile(path); err != nil || string(content) != "whole" {
			t.Errorf("%s is now %q, %v", path, content, err)
		}
	}
}

// TestAllThreadsAreWalledIn looks at a child that has worked from outside.
func TestAllThreadsAreWalledIn(t *testing.T) {
	s := newSlot(t)
	run(t, s, newTask(t, guesttest.Count(1)))
	proc := fmt.Sprintf("/proc/%d/", pid(s))
	threads, err := os.ReadDir(proc + "task")
	if err != nil || len(threads) < 3 {
		t.Fatalf("%d threads, %v", len(threads), err)
	}
	for _, thread := range threads {
		dir := proc + "task/" + thread.Name()
		status := readFile(t, dir+"/status")
		for _, want := range []string{"NoNewPrivs:\t1\n", "Seccomp:\t2\n"} {
			if !strings.Contains(status, want) {
				t.Errorf("thread %s lacks %q", thread.Name(), want)
			}
		}
		_, rest, _ := strings.Cut(readFile(t, dir+"/stat"), ") ")
		if policy := strings.Fields(rest)[38]; policy != fmt.Sprint(unix.SCHED_IDLE) {
			t.Errorf("thread %s has scheduling policy %s, want %d", thread.Name(), policy, unix.SCHED_IDLE)
		}
		tid, _ := strconv.Atoi(thread.Name())
		if class, _, _ := unix.Syscall(unix.SYS_IOPRIO_GET, 1, uintptr(tid), 0); class>>13 != 3 {
			t.Errorf("thread %s has I/O class %d, want 3, idle", thread.Name(), class>>13)
		}
	}
	limits := strings.Join(strings.Fields(readFile(t, proc+"limits")), " ")
	for _, want := range []string{"Max core file size 0 0", "Max open files 1024 1024", "Max file size 536870912 536870912"} {
		if !strings.Contains(limits, want) {
			t.Errorf("no limit %q in %s", want, limits)
		}
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// TestALimitOfProcessorTimeStandsIn plays a parent that does not look at the
// clock.
func TestALimitOfProcessorTimeStandsIn(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes seconds of processor time")
	}
	s := newSlot(t)
	if err := s.ready(context.Background()); err != nil {
		t.Fatal(err)
	}
	task := newTask(t, guesttest.Loop())
	task.Time = time.Millisecond
	req, err := s.request(task)
	if err != nil {
		t.Fatal(err)
	}
	child := s.child
	time.AfterFunc(time.Minute, child.kill)
	a := child.exchange(req, nil, make(chan struct{}), nil)
	<-child.exited
	if got := causeOfDeath(child, a.err); a.err == nil || !strings.Contains(got, "its limit of processor time") {
		t.Errorf("the child ended so: %v; %q", a.err, got)
	}
}
