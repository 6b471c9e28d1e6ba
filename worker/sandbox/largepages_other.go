//go:build !linux

package sandbox

// preferLargePages has no effect here.
func preferLargePages([]byte) {}
