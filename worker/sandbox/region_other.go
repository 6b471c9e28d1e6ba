//go:build !(linux || darwin) || !(amd64 || arm64)

package sandbox

import "context"

// What a guest's memory takes at most, as a multiple of its limit: of the
// collector's heap, and of address space. One that grows is for a moment there
// twice.
const (
	heapShare  = 2
	spaceShare = 3
)

// withRegions leaves memories to the engine, which copies them as they grow.
func withRegions(ctx context.Context) (with context.Context, release func()) {
	return ctx, func() {}
}
