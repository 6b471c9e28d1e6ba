//go:build unix

package sandbox

import "syscall"

const (
	priorityGroup = 1 // PRIO_PGRP
	lowest        = 19
)

// lowerPriority makes the process yield to everything else on the machine. The
// group is named because on Linux a process id would mean its first thread
// only. A system that refuses runs the child as it is.
func lowerPriority(pid int) { _ = syscall.Setpriority(priorityGroup, pid, lowest) }
