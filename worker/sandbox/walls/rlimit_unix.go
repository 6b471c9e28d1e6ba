//go:build linux || darwin

package walls

import (
	"os/signal"
	"syscall"
	"time"
)

const (
	// fileSize is what the child may write into one file, in bytes: the native
	// code of the largest module that is accepted.
	fileSize = 512 << 20
	// descriptors that the child may have open, most of them data files.
	descriptors = 1024
)

// softLimit sets a limit that this process may move again.
func softLimit(resource int, value uint64) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(resource, &limit); err != nil {
		return err
	}
	limit.Cur = min(value, limit.Max)
	return syscall.Setrlimit(resource, &limit)
}

// hardLimit sets a limit that stays.
func hardLimit(resource int, value uint64) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(resource, &limit); err != nil {
		return err
	}
	limit.Max = min(value, limit.Max)
	limit.Cur = limit.Max
	return syscall.Setrlimit(resource, &limit)
}

// LimitCPU allows this process so much more processor time than it has used;
// then a signal ends it. The limit counts whole seconds.
func LimitCPU(more time.Duration) error {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return err
	}
	total := time.Duration(used.Utime.Nano()+used.Stime.Nano()) + more
	return softLimit(syscall.RLIMIT_CPU, uint64(total/time.Second)+1)
}

// limitFileSize makes a write beyond it fail, where the signal that comes with
// that would end the process: a code cache that does not fit costs time only.
func limitFileSize() error {
	signal.Ignore(syscall.SIGXFSZ)
	return hardLimit(syscall.RLIMIT_FSIZE, fileSize)
}

func limitDescriptors() error { return hardLimit(syscall.RLIMIT_NOFILE, descriptors) }

// limitCore keeps what a guest worked on off the disk if its process crashes.
func limitCore() error { return hardLimit(syscall.RLIMIT_CORE, 0) }
