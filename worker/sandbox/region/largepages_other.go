//go:build !linux

package region

// preferLargePages has no effect here.
func preferLargePages([]byte) {}
