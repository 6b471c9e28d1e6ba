// Command sort sorts N numbers and prints a checksum of their order.
package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
)

func main() {
	n := 4_000_000
	if len(os.Args) > 1 {
		n, _ = strconv.Atoi(os.Args[1])
	}
	numbers := make([]uint32, n)
	state := uint32(1)
	for i := range numbers {
		state = state*1664525 + 1013904223
		numbers[i] = state ^ state>>15
	}
	slices.Sort(numbers)
	sum := uint32(0)
	for _, x := range numbers {
		sum = sum*31 + x
	}
	fmt.Printf("sort %d %08x\n", n, sum)
}
