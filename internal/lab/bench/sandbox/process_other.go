//go:build !linux

package main

import (
	"errors"
	"os/exec"
	"time"
)

// processTime is not known here: the clock has to do.
func processTime(int) (time.Duration, error) { return 0, nil }

// labelledTime is not known either.
func labelledTime(string) (time.Duration, error) { return 0, nil }

// standsStill is not known here.
func standsStill(int) (bool, error) { return false, errors.ErrUnsupported }

// diesWithUs leaves the command as it is.
func diesWithUs(*exec.Cmd) {}

// lowerThread leaves the thread as it is.
func lowerThread() error { return nil }
