//go:build unix

package sandbox

import (
	"errors"
	"os"
	"syscall"
)

// canHalt says whether halt can work.
const canHalt = true

// halt stops all threads of the child where they are; it cannot refuse.
func (p *process) halt() error { return p.signal(syscall.SIGSTOP) }

// proceed lets them go on.
func (p *process) proceed() error { return p.signal(syscall.SIGCONT) }

// signal does nothing to a child that is gone.
func (p *process) signal(s os.Signal) error {
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}
