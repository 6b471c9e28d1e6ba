// Command nbody moves the sun and four planets N steps of 0.01 days and prints
// the energy before and after. The orbits are those of the benchmarks game.
package main

import (
	"fmt"
	"math"
	"os"
	"strconv"
)

const (
	sun  = 4 * math.Pi * math.Pi
	year = 365.24
	step = 0.01
)

type body struct{ x, y, z, vx, vy, vz, mass float64 }

func main() {
	n := 4_000_000
	if len(os.Args) > 1 {
		n, _ = strconv.Atoi(os.Args[1])
	}
	bodies := system()
	before := energy(&bodies)
	for range n {
		advance(&bodies)
	}
	fmt.Printf("nbody %d %.9f %.9f\n", n, before, energy(&bodies))
}

func system() [5]body {
	bodies := [5]body{
		{mass: sun},
		{4.84143144246472090, -1.16032004402742839, -0.103622044471123109, 0.00166007664274403694, 0.00769901118419740425, -0.0000690460016972063023, 0.000954791938424326609},
		{8.34336671824457987, 4.12479856412430479, -0.403523417114321381, -0.00276742510726411, 0.00499852801234917238, 0.0000230417297573763929, 0.000285885980666130812},
		{12.8943695621391310, -15.1111514016986312, -0.223307578892655734, 0.00296460137564761618, 0.00237847173959480950, -0.0000296589568540237556, 0.0000436624404335156298},
		{15.3796971148509165, -25.9193146099879641, 0.179258772950371181, 0.00268067772490389322, 0.00162824170038242295, -0.0000951592254519715870, 0.0000515138902046611451},
	}
	for i := 1; i < len(bodies); i++ {
		b := &bodies[i]
		b.vx, b.vy, b.vz, b.mass = b.vx*year, b.vy*year, b.vz*year, b.mass*sun
		bodies[0].vx -= float64(b.vx*b.mass) / sun
		bodies[0].vy -= float64(b.vy*b.mass) / sun
		bodies[0].vz -= float64(b.vz*b.mass) / sun
	}
	return bodies
}

// advance rounds each product on its own, as C does: see mandelbrot.
func advance(bodies *[5]body) {
	for i := range bodies {
		a := &bodies[i]
		for j := i + 1; j < len(bodies); j++ {
			b := &bodies[j]
			dx, dy, dz := a.x-b.x, a.y-b.y, a.z-b.z
			square := float64(dx*dx) + float64(dy*dy) + float64(dz*dz)
			pull := step / float64(square*math.Sqrt(square))
			am, bm := float64(a.mass*pull), float64(b.mass*pull)
			a.vx -= float64(dx * bm)
			a.vy -= float64(dy * bm)
			a.vz -= float64(dz * bm)
			b.vx += float64(dx * am)
			b.vy += float64(dy * am)
			b.vz += float64(dz * am)
		}
	}
	for i := range bodies {
		b := &bodies[i]
		b.x += float64(step * b.vx)
		b.y += float64(step * b.vy)
		b.z += float64(step * b.vz)
	}
}

func energy(bodies *[5]body) float64 {
	total := 0.0
	for i := range bodies {
		a := &bodies[i]
		square := float64(a.vx*a.vx) + float64(a.vy*a.vy) + float64(a.vz*a.vz)
		total += float64(0.5 * a.mass * square)
		for j := i + 1; j < len(bodies); j++ {
			b := &bodies[j]
			dx, dy, dz := a.x-b.x, a.y-b.y, a.z-b.z
			total -= float64(a.mass*b.mass) / math.Sqrt(float64(dx*dx)+float64(dy*dy)+float64(dz*dz))
		}
	}
	return total
}
