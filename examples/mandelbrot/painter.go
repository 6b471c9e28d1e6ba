package mandelbrot

import "fmt"

// Painter draws tiles of a view.
type Painter struct {
	view  View
	orbit orbit
}

// NewPainter computes the reference, which all tiles share.
func NewPainter(v View) (*Painter, error) {
	if err := v.check(); err != nil {
		return nil, err
	}
	re, im, err := v.middle()
	if err != nil {
		return nil, err
	}
	return &Painter{view: v, orbit: newOrbit(re, im, v.precision(), v.Limit)}, nil
}

// Tile draws one tile.
func (p *Painter) Tile(number int) (Tile, error) {
	v := p.view
	if number < 0 || number >= v.Tiles() {
		return Tile{}, fmt.Errorf("tile %d: the picture has tiles 0 to %d", number, v.Tiles()-1)
	}
	x, y := number%v.columns()*v.Tile, number/v.columns()*v.Tile
	t := Tile{
		PictureWidth: v.Width, PictureHeight: v.Height,
		X: x, Y: y, Width: min(v.Tile, v.Width-x), Height: min(v.Tile, v.Height-y),
	}
	t.RGB = make([]byte, 0, 3*t.Width*t.Height)
	for row := range t.Height {
		for column := range t.Width {
			r, g, b := p.pixel(x+column, y+row)
			t.RGB = append(t.RGB, r, g, b)
		}
	}
	return t, nil
}

// pixel averages the colours of its samples. One is enough where the set is so
// far away that the pixel can have no detail.
func (p *Painter) pixel(x, y int) (r, g, b byte) {
	n := p.view.Samples
	var sum colour
	for j := range n {
		for i := range n {
			c, smooth := p.sample(x*n+i, y*n+j)
			if smooth && i+j == 0 {
				return c.bytes()
			}
			sum = sum.plus(c)
		}
	}
	return sum.times(1 / float64(n*n)).bytes()
}

// sample computes a point, by its place in a grid of Samples for each pixel.
func (p *Painter) sample(x, y int) (c colour, smooth bool) {
	v := p.view
	pixel := v.Span / float64(v.Width)
	half := pixel / float64(2*v.Samples) // half the way between two samples
	right, down := 2*x+1-v.Width*v.Samples, 2*y+1-v.Height*v.Samples
	at := point{float64(float64(right) * half), -float64(float64(down) * half)}
	f := p.orbit.follow(at, pixel, v.Limit)
	return shade(f), f.lost && f.distance() > 1
}
