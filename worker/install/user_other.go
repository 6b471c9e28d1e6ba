//go:build !linux && !darwin && !windows

package install

import "errors"

func (w Worker) makeUser() error   { return errors.ErrUnsupported }
func (w Worker) removeUser() error { return nil }
func (w Worker) giveDir() error    { return errors.ErrUnsupported }
