package walls

import (
	"errors"
	"fmt"
	"os"
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

// CanHalt says whether Halt can work.
const CanHalt = false

// Halt is missing: a child that is to stand still finishes what it runs.
func Halt(*os.Process) error {
	return fmt.Errorf("pause a process on windows: %w", errors.ErrUnsupported)
}

// Proceed has nothing to undo.
func Proceed(*os.Process) error { return nil }

// keepDescriptors has no call to make here: what Go opens is not inherited.
func keepDescriptors() {}
