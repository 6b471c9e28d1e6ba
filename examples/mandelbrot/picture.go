package mandelbrot

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
)

// Picture is put together from tiles, in any order. The zero value is empty.
type Picture struct {
	image *image.RGBA
	left  int // pixels without a colour
}

// Add draws all tiles of a task's result.
func (p *Picture) Add(result io.Reader) error {
	for {
		t, err := ReadTile(result)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := p.draw(t); err != nil {
			return err
		}
	}
}

// Image returns the whole picture; it is an error if a part is missing.
func (p *Picture) Image() (image.Image, error) {
	if p.image == nil {
		return nil, errors.New("picture: no tiles")
	}
	if p.left > 0 {
		size := p.image.Bounds().Size()
		return nil, fmt.Errorf("picture: %d of %d pixels are missing", p.left, size.X*size.Y)
	}
	return p.image, nil
}

func (p *Picture) draw(t Tile) error {
	size := image.Pt(t.PictureWidth, t.PictureHeight)
	if p.image == nil {
		p.image = image.NewRGBA(image.Rectangle{Max: size})
		p.left = size.X * size.Y
	}
	if have := p.image.Bounds().Size(); have != size {
		return fmt.Errorf("picture: a tile of a picture of %v in one of %v", size, have)
	}
	for i := range t.Width * t.Height {
		x, y := t.X+i%t.Width, t.Y+i/t.Width
		if p.image.RGBAAt(x, y).A != 0 {
			return fmt.Errorf("picture: two tiles cover the pixel at (%d, %d)", x, y)
		}
		p.image.SetRGBA(x, y, color.RGBA{t.RGB[3*i], t.RGB[3*i+1], t.RGB[3*i+2], 0xff})
	}
	p.left -= t.Width * t.Height
	return nil
}
