//go:build !linux && !darwin && !windows

package machine

import (
	"errors"

	"github.com/anthill-grid/anthill/worker/limits"
)

func power() (limits.Power, error) { return limits.Power{}, errors.ErrUnsupported }
