//go:build !linux && !darwin

package sandbox

import (
	"fmt"
	"runtime"
	"time"
)

var errNoLimits = fmt.Errorf("not used on %s", runtime.GOOS)

func limitCPU(time.Duration) error { return errNoLimits }
func limitFileSize() error         { return errNoLimits }
func limitDescriptors() error      { return errNoLimits }
func limitCore() error             { return errNoLimits }
