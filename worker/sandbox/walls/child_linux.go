package walls

import (
	"math"
	"syscall"

	"golang.org/x/sys/unix"
)

// attributes put the child into a session of its own, where the terminal's signals
// do not reach it and which yieldToSessions can rank behind all others, and let it die
// with its parent even while a guest runs that never lets it read the closed pipe.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
}

// keepDescriptors makes sure that the child gets no descriptor of ours. Go
// opens its own so that they close, but not those that this process was
// started with. Before Linux 5.11 there is no such call, and they stay.
func keepDescriptors() {
	_ = unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
}
