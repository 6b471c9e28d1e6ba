//go:build !linux && !darwin

package walls

import (
	"fmt"
	"runtime"
	"time"
)

var errNoLimits = fmt.Errorf("not used on %s", runtime.GOOS)

func LimitCPU(time.Duration) error { return errNoLimits }
func limitFileSize() error         { return errNoLimits }
func limitDescriptors() error      { return errNoLimits }
func limitCore() error             { return errNoLimits }
