package machine

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"

	"github.com/anthill-grid/anthill/worker/limits"
)

// power asks the program that Apple has for it, since the interface behind
// it is to be had from C only.
func power() (limits.Power, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	text, err := exec.CommandContext(ctx, "/usr/bin/pmset", "-g", "ps").Output()
	if err != nil {
		return limits.Power{}, fmt.Errorf("%w: pmset: %w", errors.ErrUnsupported, err)
	}
	return parsePmset(string(text)), nil
}
