//go:build unix && !solaris && !aix

package sandbox

import (
	"os"
	"syscall"
)

// tryLock locks a file unless somebody else has; then it returns nil. The kernel lets
// go of the lock if this process is killed.
func tryLock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err != syscall.EINTR {
			break
		}
	}
	if err != nil {
		_ = f.Close()
		if err == syscall.EWOULDBLOCK {
			err = nil
		}
		return nil, err
	}
	return func() { _ = f.Close() }, nil
}
