//go:build linux && !race

package walls

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"sync"
	"syscall"
)

// statm is opened before the other walls stand, for they keep /proc away.
var statm = sync.OnceValues(func() (*os.File, error) { return os.Open("/proc/self/statm") })

// LimitAddressSpace allows this process so many bytes more than it has now.
func LimitAddressSpace(more int64) error {
	now, err := addressSpace()
	if err != nil {
		return err
	}
	return softLimit(syscall.RLIMIT_AS, uint64(now+more))
}

// addressSpace is the first number of statm, in pages.
func addressSpace() (int64, error) {
	file, err := statm()
	if err != nil {
		return 0, err
	}
	var line [128]byte
	n, _ := file.ReadAt(line[:], 0) // it ends before the buffer does
	first, _, _ := bytes.Cut(line[:n], []byte(" "))
	pages, err := strconv.ParseInt(string(first), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", file.Name(), err)
	}
	return pages * int64(os.Getpagesize()), nil
}
