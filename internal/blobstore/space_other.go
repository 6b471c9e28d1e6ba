//go:build !(linux || darwin || freebsd || windows)

package blobstore

import (
	"errors"
	"syscall"
)

// fullSigns are further errors that say that a disk is full.
var fullSigns []syscall.Errno

// diskSpace is not known here.
func diskSpace(string) (free, size int64, err error) { return 0, 0, errors.ErrUnsupported }
