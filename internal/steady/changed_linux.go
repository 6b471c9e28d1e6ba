package steady

import (
	"io/fs"
	"syscall"
	"time"
)

// changedAt is when anything of a file changed last. Nobody can set it back.
func changedAt(info fs.FileInfo) time.Time {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return time.Unix(stat.Ctim.Unix())
	}
	return info.ModTime()
}
