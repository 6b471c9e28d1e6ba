// Command mandelbrot adds up the iterations of a square of N by N points.
package main

import (
	"fmt"
	"os"
	"strconv"
)

const most = 200 // iterations of a point

func main() {
	n := 1280
	if len(os.Args) > 1 {
		n, _ = strconv.Atoi(os.Args[1])
	}
	sum := 0
	for y := range n {
		for x := range n {
			sum += iterations(3*float64(x)/float64(n)-2, 2*float64(y)/float64(n)-1)
		}
	}
	fmt.Printf("mandelbrot %d %d\n", n, sum)
}

// iterations rounds each product on its own: Go fuses x*y + z into one
// instruction on some machines, and its result differs in the last bit.
func iterations(cr, ci float64) int {
	r, i := 0.0, 0.0
	for k := range most {
		rr, ii, ri := float64(r*r), float64(i*i), float64(r*i)
		if rr+ii > 4 {
			return k
		}
		r, i = rr-ii+cr, ri+ri+ci
	}
	return most
}
