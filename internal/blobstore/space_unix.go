//go:build linux || darwin || freebsd

package blobstore

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// fullSigns are further errors that say that a disk is full.
var fullSigns []syscall.Errno

// diskSpace is what this process may still write to the disk of a folder, and how
// large the disk is, in bytes.
func diskSpace(dir string) (free, size int64, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, 0, err
	}
	unit := int64(st.Bsize)
	return int64(st.Bavail) * unit, int64(st.Blocks) * unit, nil
}
