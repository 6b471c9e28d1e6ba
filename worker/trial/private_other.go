//go:build !unix

package trial

import "io/fs"

// private is what a user's directories are here, where permission bits say nothing.
func private(fs.FileInfo) bool { return true }
