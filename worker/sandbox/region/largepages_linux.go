package region

import "syscall"

// preferLargePages asks for pages of 2 MiB, of which a guest touches fewer. If
// there are none, small ones do.
func preferLargePages(space []byte) { _ = syscall.Madvise(space, syscall.MADV_HUGEPAGE) }
