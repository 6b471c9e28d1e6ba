//go:build race

package rewrite_test

// underRace: the race detector makes the interpreter's frames larger than the
// stack of a goroutine has room for.
const underRace = true
