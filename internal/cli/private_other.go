//go:build !unix

package cli

// keepPrivate does nothing where files have no mode.
func keepPrivate() {}

// hideArguments does nothing where the system does not show them to everybody.
func hideArguments(string) {}
