//go:build !linux || race

package sandbox

import "errors"

// limitAddressSpace is missing: other systems either do not have this limit or
// do not keep it, and the race detector needs space of its own by the terabyte.
func limitAddressSpace(int64) error {
	return errors.New("this system, or the race detector, does not keep it")
}
