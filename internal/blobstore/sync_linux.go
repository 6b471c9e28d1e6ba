package blobstore

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// syncFiles makes files below dir durable. From a few files on it is cheaper to
// flush the whole file system once than each file by itself.
func syncFiles(dir string, paths []string) error {
	if len(paths) <= 4 {
		return syncEach(paths)
	}
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(unix.Syncfs(int(f.Fd())), f.Close())
}
