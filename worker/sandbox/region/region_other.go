//go:build !(linux || darwin) || !(amd64 || arm64)

package region

import "context"

// HeapShare and SpaceShare are what a guest's memory takes at most, as multiples of
// its limit: of the collector's heap, and of address space. One that grows is there
// twice for a moment.
const (
	HeapShare  = 2
	SpaceShare = 3
)

// With leaves memories to the engine, which copies them as they grow.
func With(ctx context.Context) (with context.Context, release func()) {
	return ctx, func() {}
}
