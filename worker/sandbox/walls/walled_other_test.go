//go:build !linux

package walls

import "errors"

func walledMain(string, string) error { return errors.New("only on linux") }
