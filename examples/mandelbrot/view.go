// Package mandelbrot draws a deep zoom into the Mandelbrot set, tile by tile.
// The guest draws tiles, and the client puts them together to a PNG.
//
// A double has 16 digits, so at a width of 1e-20 all pixels of the picture
// would be the same number. One reference point is therefore computed with as
// many digits as needed, and each pixel as a difference from it (orbit.go).
// Every step is rounded the same way on every CPU (IEEE 754 without fused
// operations, a logarithm of our own), so that workers agree byte by byte.
package mandelbrot

import (
	"flag"
	"fmt"
	"io"
	"math"
	"math/big"
)

// View is what the picture shows, and how it is cut into tiles.
type View struct {
	// Re and Im are the middle of the picture as decimal numbers with as many
	// digits as the zoom is deep.
	Re, Im string
	// Span is the width of the picture in the complex plane.
	Span float64
	// Width and Height of the picture, and Tile, the sides of a square tile, in
	// pixels. Tiles at the right and lower edge may be smaller.
	Width, Height, Tile int
	// Limit is how many iterations a point is followed.
	Limit int
	// Samples squared is how many points are averaged for a pixel.
	Samples int
}

// Limits on views: what a task can do in a reasonable time and memory.
const (
	maxSide    = 1 << 15
	maxTile    = 1 << 10
	maxLimit   = 1 << 24
	maxSamples = 8
	minSpan    = 1e-290 // differences must stay normal float64 numbers
)

// ParseView reads a view from a task's arguments.
func ParseView(args []string) (View, error) {
	var v View
	flags := flag.NewFlagSet("mandelbrot", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&v.Re, "re", "", "real part of the middle")
	flags.StringVar(&v.Im, "im", "", "imaginary part of the middle")
	flags.Float64Var(&v.Span, "span", 3, "width in the complex plane")
	flags.IntVar(&v.Width, "width", 960, "width in pixels")
	flags.IntVar(&v.Height, "height", 600, "height in pixels")
	flags.IntVar(&v.Tile, "tile", 80, "side of a tile in pixels")
	flags.IntVar(&v.Limit, "limit", 1000, "iterations")
	flags.IntVar(&v.Samples, "samples", 2, "samples for a pixel in each direction")
	if err := flags.Parse(args); err != nil {
		return View{}, fmt.Errorf("view: %w", err)
	}
	if flags.NArg() > 0 {
		return View{}, fmt.Errorf("view: %q is not a flag", flags.Arg(0))
	}
	return v, v.check()
}

func (v View) check() error {
	within := func(n, most int) bool { return n >= 1 && n <= most }
	switch {
	case !within(v.Width, maxSide) || !within(v.Height, maxSide):
		return fmt.Errorf("view: %dx%d pixels: each side must be 1 to %d", v.Width, v.Height, maxSide)
	case !within(v.Tile, maxTile):
		return fmt.Errorf("view: tile %d: must be 1 to %d pixels", v.Tile, maxTile)
	case !within(v.Limit, maxLimit):
		return fmt.Errorf("view: limit %d: must be 1 to %d iterations", v.Limit, maxLimit)
	case !within(v.Samples, maxSamples):
		return fmt.Errorf("view: samples %d: must be 1 to %d", v.Samples, maxSamples)
	case !(v.Span >= minSpan && v.Span <= 100):
		return fmt.Errorf("view: span %g: must be %g to 100", v.Span, minSpan)
	}
	_, _, err := v.middle()
	return err
}

// precision is the bits that the reference needs: those down to a pixel, and
// a float64's more.
func (v View) precision() uint {
	return uint(64 + math.Ilogb(float64(v.Width)) - min(0, math.Ilogb(v.Span)))
}

func (v View) middle() (re, im *big.Float, err error) {
	parse := func(s string) *big.Float {
		x, _, parseErr := big.ParseFloat(s, 10, v.precision(), big.ToNearestEven)
		if parseErr != nil || x.IsInf() || x.MantExp(nil) > 3 {
			err = fmt.Errorf("view: middle %q: want a decimal number between -4 and 4", s)
		}
		return x
	}
	re, im = parse(v.Re), parse(v.Im)
	return re, im, err
}

// columns and rows are how many tiles there are.
func (v View) columns() int { return (v.Width + v.Tile - 1) / v.Tile }
func (v View) rows() int    { return (v.Height + v.Tile - 1) / v.Tile }

// Tiles is the number of tiles; they are numbered from 0, row by row.
func (v View) Tiles() int { return v.columns() * v.rows() }
