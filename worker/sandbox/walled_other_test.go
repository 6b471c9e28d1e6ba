//go:build !linux

package sandbox

import "errors"

func walledMain(string, string) error { return errors.New("only on linux") }
