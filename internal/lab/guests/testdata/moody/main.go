// Command moody is a guest whose tasks end in all ways in which a task can: by the number
// that it reads, its random numbers, its arguments, variables and data.
package main

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
)

func main() {
	var lo, hi uint64
	if _, err := fmt.Scan(&lo, &hi); err != nil {
		os.Exit(99)
	}
	var draw [8]byte
	rand.Read(draw[:])
	data, err := os.ReadFile("/data/words")
	if err != nil {
		os.Exit(98)
	}
	fmt.Fprintf(os.Stderr, "task of %d drew %x, with %v, MOOD=%s and %d bytes\n", lo, draw, os.Args[1:], os.Getenv("MOOD"), len(data))
	work := make([]byte, 0, 1<<10)
	for i := range 1000 * (1 + int(draw[0])) { // so the fuel follows from the random numbers
		work = append(work[:0], byte(i), draw[i%8])
	}
	switch lo % 7 {
	case 0:
		fmt.Printf("%x %s %s", draw, os.Args[1], bytes.ToUpper(data))
	case 1:
		os.Exit(1 + int(draw[1]%90))
	case 2:
		panic(fmt.Sprintf("drew %x", draw[:2]))
	case 3:
		for i := 0; ; i++ {
			work = append(work[:0], byte(i))
		}
	case 4:
		for {
			os.Stdout.Write(bytes.Repeat(draw[:], 512))
		}
	case 5:
		var list [][]byte
		for range 1 << 20 {
			list = append(list, make([]byte, 1<<20))
		}
		fmt.Print(len(list))
	case 6:
		fmt.Fprint(os.Stderr, string(bytes.Repeat([]byte("a long log\n"), 9000)), "the last words of ", lo, "\n")
		os.Exit(7)
	}
}
