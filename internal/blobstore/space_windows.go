package blobstore

import (
	"syscall"

	"golang.org/x/sys/windows"
)

// fullSigns are further errors that say that a disk is full.
var fullSigns = []syscall.Errno{windows.ERROR_DISK_FULL, windows.ERROR_HANDLE_DISK_FULL}

// diskSpace is what this process may still write to the disk of a folder, and how
// large the disk is, in bytes.
func diskSpace(dir string) (free, size int64, err error) {
	path, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, 0, err
	}
	var available, total uint64
	err = windows.GetDiskFreeSpaceEx(path, &available, &total, nil)
	return int64(available), int64(total), err
}
