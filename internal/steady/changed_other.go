//go:build !linux && !darwin

package steady

import (
	"io/fs"
	"time"
)

// changedAt is when a file was written last: there is no better time.
func changedAt(info fs.FileInfo) time.Time { return info.ModTime() }
