//go:build linux || darwin

package install

import (
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
)

// giveTo makes a directory and what is in it a user's, and nobody else's.
func giveTo(dir, name string) error {
	u, err := user.Lookup(name)
	if err != nil {
		return err
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return err
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return err
	}
	err = filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, uid, gid)
	})
	if err != nil {
		return err
	}
	return os.Chmod(dir, 0o700)
}
