//go:build !linux || race

package walls

import "errors"

// LimitAddressSpace is missing: other systems either do not have this limit or
// do not keep it, and the race detector needs space of its own by the terabyte.
func LimitAddressSpace(int64) error {
	return errors.New("this system, or the race detector, does not keep it")
}
