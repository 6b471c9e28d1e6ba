package mandelbrot

import "math"

// colour is red, green and blue in linear light, 0 to 1: light adds up, the
// bytes of a picture do not.
type colour struct{ r, g, b float64 }

func (c colour) plus(d colour) colour { return colour{c.r + d.r, c.g + d.g, c.b + d.b} }

func (c colour) times(k float64) colour {
	return colour{float64(c.r * k), float64(c.g * k), float64(c.b * k)}
}

// bytes encodes with a gamma of 2, near enough to sRGB's curve and exact
// everywhere, since a square root is.
func (c colour) bytes() (r, g, b byte) { return encode(c.r), encode(c.g), encode(c.b) }

func encode(light float64) byte {
	return byte(float64(math.Sqrt(max(0, min(light, 1)))*255) + 0.5)
}

// palette goes round: dusk, fire, cream, sea.
var palette = [...]colour{
	hex(0x04, 0x07, 0x1f), hex(0x1a, 0x2f, 0x7a), hex(0x3d, 0x8f, 0xc8), hex(0xe8, 0xf4, 0xf0),
	hex(0xff, 0xd0, 0x5c), hex(0xe8, 0x6a, 0x1c), hex(0x7a, 0x16, 0x2c), hex(0x22, 0x06, 0x2a),
}

func hex(r, g, b byte) colour {
	linear := func(v byte) float64 { return float64(v) / 255 * (float64(v) / 255) }
	return colour{linear(r), linear(g), linear(b)}
}

// pick returns the colour at a place on the palette, which begins again after
// each whole number.
func pick(at float64) colour {
	at = float64((at - math.Floor(at)) * float64(len(palette)))
	i := int(at)
	t := at - float64(i)
	t = float64(float64(t*t) * (3 - 2*t)) // no corners
	from, to := palette[i%len(palette)], palette[(i+1)%len(palette)]
	return from.times(1 - t).plus(to.times(t))
}

// How the picture looks.
const (
	turns  = 3.0 // of the palette while the number of steps doubles
	relief = 0.35
	// Where the light comes from: the upper left.
	lightRe, lightIm = -0.6, 0.8
)

// shade colours a point by how fast it escaped, and lights it as if the picture
// were a relief that rises towards the set. What is much thinner than a pixel
// is drawn darker, or it would glitter.
func shade(f fate) colour {
	if !f.lost {
		return colour{}
	}
	steps := float64(f.steps) + 1 - log2(log2(f.z.norm())/2)
	base := pick(float64(log2(steps) * turns))

	// z/slope points away from the set.
	re := float64(f.z.re*f.slope.re) + float64(f.z.im*f.slope.im)
	im := float64(f.z.im*f.slope.re) - float64(f.z.re*f.slope.im)
	toLight := float64(re*lightRe) + float64(im*lightIm)
	size := math.Sqrt(float64(f.z.norm() * f.slope.norm()))
	light := 1 - relief + float64(relief*toLight/size)
	return base.times(light * min(1, thin+f.distance()))
}

// thin is the light of what has no width at all.
const thin = 0.4

// log2 is the logarithm of a positive normal number to about 1e-12, rounded
// alike on every machine; math.Log2 is not.
func log2(x float64) float64 {
	m, e := math.Frexp(x) // m in [0.5, 1)
	if m < math.Sqrt2/2 {
		m, e = 2*m, e-1
	}
	// ln m = 2 atanh(t), |t| < 0.172: the term after the last is below 1e-13.
	t := (m - 1) / (m + 1)
	tt := float64(t * t)
	sum := 0.0
	for k := 15.0; k >= 1; k -= 2 {
		sum = float64(sum*tt) + 1/k
	}
	return float64(float64(sum*t)*(2/math.Ln2)) + float64(e)
}
