//go:build !linux && !darwin && !windows

package machine

import "errors"

func onBattery() (bool, error) { return false, errors.ErrUnsupported }
