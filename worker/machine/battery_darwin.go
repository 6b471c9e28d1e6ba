package machine

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// onBattery asks the program that Apple has for it, since the interface behind
// it is to be had from C only.
func onBattery() (bool, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	text, err := exec.CommandContext(ctx, "/usr/bin/pmset", "-g", "ps").Output()
	if err != nil {
		return false, fmt.Errorf("%w: pmset: %w", errors.ErrUnsupported, err)
	}
	return strings.Contains(string(text), "'Battery Power'"), nil
}
