package main

import (
	"math/bits"

	"github.com/anthill-grid/anthill/internal/blob"
)

// result is what was measured, and what could have been.
type result struct {
	Peers      int     `json:"peers"`
	Size       int64   `json:"size"`   // bytes
	Uplink     string  `json:"uplink"` // of each peer
	Seconds    float64 `json:"seconds"`
	FluidBound float64 `json:"fluid_bound"`  // seconds
	PieceBound float64 `json:"piece_bound"`  // seconds
	Ratio      float64 `json:"ratio"`        // seconds / piece_bound
	SeedRatio  float64 `json:"seed_ratio"`   // what the seed sent / size
	Duplicates float64 `json:"duplicates"`   // share of the bytes of pieces that came twice
	BadBytes   int64   `json:"bad_bytes"`    // that were stored
	Banned     int     `json:"banned"`       // how often a peer refused a liar
	Wasted     int64   `json:"wasted"`       // bytes of pieces that the worst hit peer got in vain
	CPU        float64 `json:"cpu_s_per_gb"` // of all processes, for each GB that arrived
}

// fluidBound is the least time in seconds in which n peers get size bytes from
// one seed if data were a fluid and all uplinks (bytes a second) alike, downlinks
// without limit: Kumar and Ross, Peer-Assisted File Distribution: The Minimum
// Distribution Time, 2006.
func fluidBound(size int64, uplink float64, n int) float64 {
	f := float64(size)
	return max(f/uplink, float64(n)*f/(uplink*float64(n+1)))
}

// pieceBound is the least time if data move in whole pieces: Mundinger, Weber and
// Weiss, Optimal Scheduling of Peer-to-Peer File Dissemination, 2008.
func pieceBound(size int64, uplink float64, n int) float64 {
	pieces := (size + blob.PieceSize(size) - 1) / blob.PieceSize(size)
	rounds := bits.Len(uint(n)) - 1
	return float64(size) / uplink * (1 + float64(rounds)/float64(pieces))
}
