// Command sha256 hashes N KiB. A native build uses the CPU's instructions for
// it, if there are some; a WASM build cannot.
package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"strconv"
)

func main() {
	n := 64 << 10
	if len(os.Args) > 1 {
		n, _ = strconv.Atoi(os.Args[1])
	}
	block := make([]byte, 1<<10)
	state := uint32(1)
	for i := range block {
		state = state*1664525 + 1013904223
		block[i] = byte(state >> 24)
	}
	hash := sha256.New()
	for range n {
		hash.Write(block)
	}
	fmt.Printf("sha256 %d %x\n", n, hash.Sum(nil))
}
