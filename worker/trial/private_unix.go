//go:build unix

package trial

import (
	"io/fs"
	"os"
	"syscall"
)

// private says whether nobody but this user can write in a directory.
func private(dir fs.FileInfo) bool {
	owner, known := dir.Sys().(*syscall.Stat_t)
	return known && int(owner.Uid) == os.Geteuid() && dir.Mode().Perm()&0o022 == 0
}
