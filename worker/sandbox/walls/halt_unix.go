//go:build unix

package walls

import (
	"errors"
	"os"
	"syscall"
)

// CanHalt says whether Halt can work.
const CanHalt = true

// Halt stops all threads of a child where they are; it cannot refuse.
func Halt(child *os.Process) error { return send(child, syscall.SIGSTOP) }

// Proceed lets them go on.
func Proceed(child *os.Process) error { return send(child, syscall.SIGCONT) }

// send does nothing to a child that is gone.
func send(child *os.Process, s os.Signal) error {
	if err := child.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}
