//go:build unix

package walls

import "syscall"

const (
	priorityGroup = 1 // PRIO_PGRP
	lowest        = 19
)

// lowerPriority makes this process yield to everything else on the machine. Its
// group, where a child is alone, is named because on Linux a process id would
// mean one thread only.
func lowerPriority() error { return syscall.Setpriority(priorityGroup, 0, lowest) }
