//go:build unix

package cli

import (
	"os"
	"strings"
	"syscall"
	"unsafe"
)

// keepPrivate lets nobody else read what this process writes: logs hold the terms of
// jobs, and the directory around them may have been there before.
func keepPrivate() { syscall.Umask(0o077) }

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
