//go:build linux && !race

package sandbox

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
)

// limitAddressSpace allows this process so many bytes more than it has now.
// Where that cannot be set, the wall is missing and nothing else is.
func limitAddressSpace(more int64) {
	now, ok := addressSpace()
	var limit syscall.Rlimit
	if !ok || syscall.Getrlimit(syscall.RLIMIT_AS, &limit) != nil {
		return
	}
	limit.Cur = min(uint64(now+more), limit.Max)
	_ = syscall.Setrlimit(syscall.RLIMIT_AS, &limit)
}

// addressSpace is the first number of statm, in pages.
func addressSpace() (int64, bool) {
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, false
	}
	first, _, _ := bytes.Cut(statm, []byte(" "))
	pages, err := strconv.ParseInt(string(first), 10, 64)
	return pages * int64(os.Getpagesize()), err == nil
}
