//go:build unix && !linux

package walls

import "syscall"

// attributes put the child into a process group of its own, where the
// terminal's signals do not reach it.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

// keepDescriptors has no call to make here: what Go opens is not inherited.
func keepDescriptors() {}
