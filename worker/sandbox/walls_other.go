//go:build !linux || race

package sandbox

// limitAddressSpace does nothing: other systems either do not have this limit
// or do not keep it, and the race detector needs space of its own by the
// terabyte.
func limitAddressSpace(int64) {}
