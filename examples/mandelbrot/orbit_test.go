package mandelbrot

import (
	"math"
	"math/big"
	"testing"
)

// deep is the view of job.yaml, with few pixels.
func deep(width, height, tile, samples int) View {
	return View{
		Re:   "-0.74338473538364385597049005816297610714073881876831",
		Im:   "0.1318769228756863988939811034361552468268708734995",
		Span: 3e-20, Width: width, Height: height, Tile: tile, Limit: 10000, Samples: samples,
	}
}

// plain iterates one point in 300 bits, with no reference and no tricks.
func plain(v View, dx, dy float64) (steps int, z point) {
	parse := func(s string, d float64) *big.Float {
		x, _, err := big.ParseFloat(s, 10, 300, big.ToNearestEven)
		if err != nil {
			panic(err)
		}
		return x.Add(x, big.NewFloat(d))
	}
	o := newOrbit(parse(v.Re, dx), parse(v.Im, dy), 300, v.Limit)
	return len(o) - 1, o[len(o)-1]
}

func TestFollowAgreesWithManyDigits(t *testing.T) {
	shallow := deep(1, 1, 1, 1)
	shallow.Re, shallow.Im, shallow.Span = "-0.7", "0.1", 3
	for name, v := range map[string]View{"deep": deep(1, 1, 1, 1), "shallow": shallow} {
		p, err := NewPainter(v)
		if err != nil {
			t.Fatal(err)
		}
		lost := 0
		for i := range 64 {
			dx := v.Span * (float64(i%8)/8 - 0.45)
			dy := v.Span * (float64(i/8)/8 - 0.45)
			f := p.orbit.follow(point{dx, dy}, v.Span, v.Limit)
			steps, z := plain(v, dx, dy)
			if !f.lost {
				if z.norm() > escaped {
					t.Errorf("%s %d: follow sees it stay; it escapes after %d steps", name, i, steps)
				}
				continue
			}
			lost++
			off := math.Hypot(f.z.re-z.re, f.z.im-z.im) / math.Hypot(z.re, z.im)
			// Chaos: near the set the last bits of c grow to percents of z,
			// which is nothing of a step.
			if f.steps != steps || off > 0.05 {
				t.Errorf("%s %d: %d steps to %v; want %d to %v", name, i, f.steps, f.z, steps, z)
			}
		}
		if lost < 30 {
			t.Errorf("%s: only %d points escape: the test tells little", name, lost)
		}
	}
}

func TestTooDeepForPlainDoubles(t *testing.T) {
	v := deep(960, 600, 60, 2)
	re, _, err := v.middle()
	if err != nil {
		t.Fatal(err)
	}
	middle := toFloat(re)
	if middle+v.Span != middle {
		t.Error("doubles can tell the pixels apart: the zoom is not deep")
	}
}

// TestSlope compares the derivative with a difference of two points.
func TestSlope(t *testing.T) {
	v := deep(1, 1, 1, 1)
	p, err := NewPainter(v)
	if err != nil {
		t.Fatal(err)
	}
	c := point{0.4 * v.Span, -0.4 * v.Span}
	h := 1e-9 * v.Span
	f := p.orbit.follow(c, h, v.Limit)
	g := p.orbit.follow(point{c.re + h, c.im}, h, v.Limit)
	re, im := g.z.re-f.z.re, g.z.im-f.z.im
	if !f.lost || f.steps != g.steps || math.Hypot(re-f.slope.re, im-f.slope.im) > 1e-3*math.Hypot(re, im) {
		t.Errorf("slope %v; want about (%g, %g)", f.slope, re, im)
	}
}

func TestKnownPoints(t *testing.T) {
	v := View{Re: "0", Im: "0", Span: 4, Width: 1, Height: 1, Tile: 1, Limit: 500, Samples: 1}
	p, err := NewPainter(v)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		c    point
		lost bool
	}{
		{point{0, 0}, false}, {point{-1, 0}, false}, {point{0.25, 0}, false}, {point{-2, 0}, false},
		{point{0.26, 0}, true}, {point{-2.01, 0}, true}, {point{1, 1}, true}, {point{-0.75, 0.1}, true},
	} {
		if f := p.orbit.follow(test.c, 1, v.Limit); f.lost != test.lost {
			t.Errorf("%v escapes: %t; want %t", test.c, f.lost, test.lost)
		}
	}
}
