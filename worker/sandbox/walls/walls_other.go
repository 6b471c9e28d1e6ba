//go:build !linux

package walls

import (
	"fmt"
	"runtime"
)

// systemWalls has none to put up yet; it names those that Linux would have.
func systemWalls(cfg Config) []wall {
	missing := func() error { return fmt.Errorf("none known on %s", runtime.GOOS) }
	return []wall{
		plain("cpu time", func() error { return LimitCPU(cfg.CPU) }),
		plain("file access", missing),
		plain("system calls and network", missing),
	}
}
