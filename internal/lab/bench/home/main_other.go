//go:build !linux

// Command home measures what routers cost, in network namespaces of Linux.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "bench-home: it takes Linux")
	os.Exit(1)
}
