//go:build !linux

package sandbox

import (
	"fmt"
	"runtime"
)

// systemWalls has none to put up yet; it names those that Linux would have.
func systemWalls() []wall {
	missing := func() error { return fmt.Errorf("none known on %s", runtime.GOOS) }
	return []wall{
		plain("cpu time", func() error { return limitCPU(2*compileTime + cpuSlack) }),
		plain("file access", missing),
		plain("system calls and network", missing),
	}
}
