//go:build race

package keeper

// slack is how much longer a test has to wait with the race detector, which slows
// down what is waited for.
const slack = 4
