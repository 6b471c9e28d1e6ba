//go:build !unix

package cli

// keepPrivate does nothing where files have no mode.
func keepPrivate() {}

// checkPrivate does nothing there either.
func checkPrivate(string) error { return nil }

// hideArguments does nothing where the system does not show them to everybody.
func hideArguments(string) {}
