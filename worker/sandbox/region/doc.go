// Package region holds the linear memories of guests, outside of Go's heap where the
// system can do that.
package region
