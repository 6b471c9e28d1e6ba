//go:build !linux

package sandbox

// limitAddressSpace does nothing: other systems either do not have this limit
// or do not keep it.
func limitAddressSpace(int64) {}
