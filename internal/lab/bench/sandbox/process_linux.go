package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// processTime is the CPU time that a process has used, in user and system mode
// and in all its threads. Its clock's number is made as in clock_getcpuclockid(3).
func processTime(pid int) (time.Duration, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|2), &t); err != nil {
		return 0, fmt.Errorf("read CPU time of process %d: %w", pid, err)
	}
	return time.Duration(t.Nano()), nil
}

// labelledTime is the CPU time of the processes that have the label among
// their arguments; a slot does not tell its child's number.
func labelledTime(label string) (time.Duration, error) {
	paths, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return 0, err
	}
	var total time.Duration
	for _, path := range paths {
		line, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(line, []byte(label)) {
			continue // not ours, or gone by now
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil {
			return 0, err
		}
		used, err := processTime(pid)
		if err != nil {
			return 0, err
		}
		total += used
	}
	return total, nil
}

// standsStill says whether all threads of a process are stopped.
func standsStill(pid int) (bool, error) {
	paths, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/[0-9]*/stat", pid))
	if err != nil {
		return false, err
	}
	for _, path := range paths {
		line, err := os.ReadFile(path)
		if err != nil {
			return false, err
		}
		if _, state, ok := bytes.Cut(line, []byte(") ")); !ok || state[0] != 'T' {
			return false, nil
		}
	}
	return len(paths) > 0, nil
}

// diesWithUs is for a command that must not go on without this program.
func diesWithUs(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

// lowerThread gives this thread the priority of a slot's child, which the
// processes that it starts take over.
func lowerThread() error {
	attr := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_IDLE, Nice: 19}
	return unix.SchedSetAttr(0, &attr, 0)
}
