package trial

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
)

// CacheSize bounds what UserCache keeps, in bytes: some ten modules as large as CPython.
const CacheSize = 1 << 30

// UserCache makes the directory in which a user's trials keep compiled code. What lies there
// is run as it is found, so it is an error if anybody else can write there, or on the way.
func UserCache() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	for _, next := range []string{"", "anthill", "compiled"} {
		dir = filepath.Join(dir, next)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return "", err
		}
		info, err := os.Stat(dir)
		if err != nil {
			return "", err
		}
		if !private(info) {
			return "", fmt.Errorf("%s can be written by other users", dir)
		}
	}
	return dir, nil
}

// sealKeyOf is the key by which compiled code in a directory is sealed. It lies beside that,
// where no guest's process can read it, and is made where there is none.
func sealKeyOf(cache string) ([]byte, error) {
	path := filepath.Clean(cache) + ".key"
	key, err := os.ReadFile(path)
	if err == nil && len(key) >= 32 {
		return key, nil
	}
	key = []byte(rand.Text() + rand.Text())
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	temp := path + "." + rand.Text()
	if err := os.WriteFile(temp, key, 0o600); err != nil {
		return nil, err
	}
	return key, os.Rename(temp, path)
}
