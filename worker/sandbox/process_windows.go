package sandbox

import (
	"errors"
	"fmt"
	"syscall"
)

const idlePriorityClass = 0x40

// attributes keep the console's signals from the child and give it the lowest
// priority.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		HideWindow:    true,
		CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP | idlePriorityClass,
	}
}

// lowerPriority has nothing left to do: attributes did it.
func lowerPriority() error { return nil }

// canHalt says whether halt can work.
const canHalt = false

// halt and proceed are missing: a slot that is paused finishes what it runs.
func (p *process) halt() error {
	return fmt.Errorf("pause a process on windows: %w", errors.ErrUnsupported)
}
func (p *process) proceed() error { return nil }

// keepDescriptors has no call to make here: what Go opens is not inherited.
func keepDescriptors() {}
