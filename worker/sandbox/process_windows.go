package sandbox

import "syscall"

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
func lowerPriority(int) {}

// keepDescriptors has no call to make here: what Go opens is not inherited.
func keepDescriptors() {}
