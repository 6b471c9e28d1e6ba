// Command sieve counts the primes below N.
package main

import (
	"fmt"
	"os"
	"strconv"
)

func main() {
	n := 40_000_000
	if len(os.Args) > 1 {
		n, _ = strconv.Atoi(os.Args[1])
	}
	fmt.Printf("sieve %d %d\n", n, primes(n))
}

func primes(n int) int {
	composite := make([]bool, n)
	count := 0
	for i := 2; i < n; i++ {
		if composite[i] {
			continue
		}
		count++
		for j := 2 * i; j < n; j += i {
			composite[j] = true
		}
	}
	return count
}
