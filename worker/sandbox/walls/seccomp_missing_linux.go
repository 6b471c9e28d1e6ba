//go:build !amd64 && !arm64

package walls

import (
	"fmt"
	"runtime"
)

func filterCalls() error { return fmt.Errorf("no filter for %s", runtime.GOARCH) }
