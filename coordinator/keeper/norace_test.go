//go:build !race

package keeper

// slack is for the race detector, see there.
const slack = 1
