package walls

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"
	"unsafe"

	landlocksys "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// systemWalls: no_new_privs first, for the two after it need it, and seccomp
// last, for it forbids what puts up the others.
func systemWalls(cfg Config) []wall {
	return []wall{
		plain("first out of memory", dieFirst),
		plain("cpu time", func() error { return dieOfLimit(cfg.CPU) }),
		plain("SCHED_IDLE", func() error { return forEachThread(scheduleWhenIdle) }),
		plain("last of all sessions", yieldToSessions),
		plain("idle I/O", func() error { return forEachThread(readWhenIdle) }),
		plain("no new privileges", func() error { return landlocksys.AllThreadsPrctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }),
		{"landlock", restrictFiles},
		plain("seccomp", filterCalls),
	}
}

// dieOfLimit lets the signal that comes with the limit of processor time end the
// process. Go would take it to print its stacks first, and was seen to hang there
// for ever where a guest runs.
func dieOfLimit(cpu time.Duration) error {
	var byDefault [4]uint64 // the kernel's struct sigaction
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(unix.SIGXCPU),
		uintptr(unsafe.Pointer(&byDefault)), 0, 8, 0, 0)
	if errno != 0 {
		return fmt.Errorf("rt_sigaction: %w", errno)
	}
	return LimitCPU(cpu)
}

// forEachThread calls f for all threads of this process, until no new one shows
// up. Threads that they start later take after them.
func forEachThread(f func(tid int) error) error {
	done := map[string]bool{}
	for {
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return err
		}
		before := len(done)
		for _, t := range threads {
			tid, err := strconv.Atoi(t.Name())
			if err != nil || done[t.Name()] {
				continue
			}
			if err := f(tid); err != nil && !errors.Is(err, unix.ESRCH) {
				return err
			}
			done[t.Name()] = true
		}
		if len(done) == before {
			return nil
		}
	}
}

// scheduleWhenIdle gives a thread only the time that nothing else wants, which
// is less than the lowest nice value leaves it.
func scheduleWhenIdle(tid int) error {
	attr := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_IDLE, Nice: lowest}
	if err := unix.SchedSetAttr(tid, &attr, 0); err != nil {
		return fmt.Errorf("sched_setattr: %w", err)
	}
	return nil
}

// yieldToSessions ranks this process's session behind the donor's. Where the kernel shares
// out processors between sessions first (sched_autogroup, as desktops have it), a policy
// counts within one alone, and a child in a session of its own had as much as all that the
// donor started in a terminal. It follows the kernel's sched(7).
func yieldToSessions() error {
	const path, patience = "/proc/self/autogroup", 150 * time.Millisecond
	for tries := 0; ; tries++ {
		err := os.WriteFile(path, []byte(strconv.Itoa(lowest)), 0)
		switch {
		case errors.Is(err, os.ErrNotExist): // processors are not shared out so
			return nil
		case errors.Is(err, unix.EAGAIN) && tries < 10: // one such change in 100 ms, of all users
			time.Sleep(patience)
		default:
			return err
		}
	}
}

// readWhenIdle does the same for the disk. It needs a scheduler that looks at
// it, such as BFQ; others pass over it.
func readWhenIdle(tid int) error {
	const (
		whoProcess = 1       // IOPRIO_WHO_PROCESS, which means a thread
		classIdle  = 3 << 13 // IOPRIO_CLASS_IDLE
	)
	_, _, errno := unix.Syscall(unix.SYS_IOPRIO_SET, whoProcess, uintptr(tid), classIdle)
	if errno != 0 {
		return fmt.Errorf("ioprio_set: %w", errno)
	}
	return nil
}
