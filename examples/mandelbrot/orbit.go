package mandelbrot

import (
	"math"
	"math/big"
)

// point is a complex number. All arithmetic on points wraps each product in
// float64(...): Go may otherwise fuse x*y+z into one rounding, and does so on
// arm64 but not in WASM, and two workers would disagree.
type point struct{ re, im float64 }

// orbit is what becomes of the point in the middle of the view, computed with
// as many digits as the depth asks for and rounded only for keeping. It is the
// reference: every pixel is computed as a small difference from it, and small
// numbers keep their digits in a float64 however deep the zoom is.
type orbit []point

// newOrbit iterates z*z + c from 0 until it escapes or the limit is reached.
func newOrbit(re, im *big.Float, precision uint, limit int) orbit {
	num := func() *big.Float { return new(big.Float).SetPrec(precision) }
	x, y, xx, yy, xy := num(), num(), num(), num(), num()
	o := make(orbit, 0, limit+1)
	for {
		p := point{toFloat(x), toFloat(y)}
		o = append(o, p)
		if len(o) > limit || p.norm() > escaped {
			return o
		}
		xx.Mul(x, x)
		yy.Mul(y, y)
		xy.Mul(x, y)
		x.Add(x.Sub(xx, yy), re)
		y.Add(y.Add(xy, xy), im)
	}
}

func toFloat(x *big.Float) float64 {
	f, _ := x.Float64()
	return f
}

// norm is the square of the absolute value.
func (p point) norm() float64 { return float64(p.re*p.re) + float64(p.im*p.im) }

// escaped is the square of the radius beyond which a point counts as gone. It
// is much larger than the 4 that would do, since that makes colours smooth.
const escaped = 1 << 20

// fate is how the iteration of one point ended.
type fate struct {
	steps int   // until it escaped
	z     point // where it was then
	slope point // and how far z moves there when c moves by a pixel
	lost  bool  // it escaped; otherwise it is taken to be in the set
}

// distance is how far away the set is at least, in pixels and up to a small
// factor: |z| ln|z| / |dz/dc|.
func (f fate) distance() float64 {
	norm := f.z.norm()
	return math.Sqrt(norm/f.slope.norm()) * (log2(norm) * (math.Ln2 / 2))
}

// follow iterates the point that lies c away from the reference, at most limit
// steps. The pixel's width makes slopes that neither overflow nor vanish.
//
// With Z the reference and d the difference, z = Z + d and
// (Z+d)^2 + C+c = (Z^2 + C) + (2Z + d)*d + c. Whenever z is nearer to 0 than to
// Z, d has lost the digits that count; then, and at the reference's end, the
// iteration is put back to the reference's beginning, where Z is 0 and d is z.
// See https://fractalforums.org/index.php?topic=4360 (Zhuoran, 2021).
func (o orbit) follow(c point, pixel float64, limit int) fate {
	var z, s point
	for n := 0; n < limit; {
		d, reference := z, point{}
		path := o[1:min(len(o), limit-n+1)]
		steps := len(path)
		for i, next := range path {
			s = point{
				2*(float64(z.re*s.re)-float64(z.im*s.im)) + pixel,
				2 * (float64(z.re*s.im) + float64(z.im*s.re)),
			}
			a := point{reference.re + z.re, reference.im + z.im} // 2Z + d
			d = point{
				float64(a.re*d.re) - float64(a.im*d.im) + c.re,
				float64(a.re*d.im) + float64(a.im*d.re) + c.im,
			}
			z = point{next.re + d.re, next.im + d.im}
			far := z.norm()
			if far > escaped {
				return fate{steps: n + i + 1, z: z, slope: s, lost: true}
			}
			if far < d.norm() {
				steps = i + 1
				break
			}
			reference = next
		}
		n += steps
	}
	return fate{}
}
