//go:build unix

package cli

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"unsafe"

	"github.com/anthill-grid/anthill/internal/problem"
)

// keepPrivate lets nobody else read what this process writes: logs hold the terms of
// jobs, and the directory around them may have been there before.
func keepPrivate() { syscall.Umask(0o077) }

// checkPrivate refuses a data directory that others on this machine can enter, as keys are
// refused that others can read: the terms of all jobs are in it.
func checkPrivate(dir string) error {
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it is made for this user alone
	}
	if err != nil {
		return problem.Invalid("name a directory that can be used", "--data: %w", err)
	}
	if mode := info.Mode().Perm(); info.IsDir() && mode&0o077 != 0 {
		return problem.Invalid("chmod 700 "+dir, "--data %s: mode %#o lets others on this machine read it", dir, mode)
	}
	return nil
}

// hideArguments overwrites a secret in the arguments as the system shows them to
// everybody, such as in /proc/PID/cmdline.
func hideArguments(secret string) {
	for _, arg := range os.Args {
		for rest := arg; ; {
			at := strings.Index(rest, secret)
			if at < 0 {
				break
			}
			// Arguments are not copied at the start of a process: this is the memory
			// that the system gave it for them, which may be written to.
			hidden := unsafe.Slice(unsafe.StringData(rest[at:]), len(secret))
			for i := range hidden {
				hidden[i] = '*'
			}
			rest = rest[at+len(secret):]
		}
	}
}
