package mandelbrot

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Tile is a piece of the picture. Its coordinates are in pixels from the
// upper left corner of the picture.
type Tile struct {
	PictureWidth, PictureHeight int
	X, Y, Width, Height         int
	RGB                         []byte // 3 bytes a pixel, row by row
}

// header is a tile on the wire, before its RGB: six big-endian numbers.
type header struct {
	PictureWidth, PictureHeight, X, Y, Width, Height uint32
}

// WriteTo writes the header and the pixels.
func (t Tile) WriteTo(w io.Writer) (int64, error) {
	data, err := binary.Append(nil, binary.BigEndian, header{
		uint32(t.PictureWidth), uint32(t.PictureHeight),
		uint32(t.X), uint32(t.Y), uint32(t.Width), uint32(t.Height),
	})
	if err != nil {
		return 0, fmt.Errorf("write tile: %w", err)
	}
	n, err := w.Write(append(data, t.RGB...))
	if err != nil {
		return int64(n), fmt.Errorf("write tile: %w", err)
	}
	return int64(n), nil
}

// ReadTile reads what WriteTo wrote. The error is io.EOF where no tile begins.
func ReadTile(r io.Reader) (Tile, error) {
	var h header
	if err := binary.Read(r, binary.BigEndian, &h); err != nil {
		if errors.Is(err, io.EOF) {
			return Tile{}, io.EOF
		}
		return Tile{}, fmt.Errorf("read tile: %w", err)
	}
	if !h.fits() {
		return Tile{}, fmt.Errorf("read tile: %dx%d at (%d, %d) is no tile of a picture of %dx%d",
			h.Width, h.Height, h.X, h.Y, h.PictureWidth, h.PictureHeight)
	}
	t := Tile{
		PictureWidth: int(h.PictureWidth), PictureHeight: int(h.PictureHeight),
		X: int(h.X), Y: int(h.Y), Width: int(h.Width), Height: int(h.Height),
		RGB: make([]byte, 3*h.Width*h.Height),
	}
	if _, err := io.ReadFull(r, t.RGB); err != nil {
		return Tile{}, fmt.Errorf("read tile at (%d, %d): %w", t.X, t.Y, err)
	}
	return t, nil
}

// fits is checked before anything is allocated.
func (h header) fits() bool {
	return h.PictureWidth <= maxSide && h.PictureHeight <= maxSide &&
		h.Width >= 1 && h.Width <= maxTile && h.Height >= 1 && h.Height <= maxTile &&
		uint64(h.X)+uint64(h.Width) <= uint64(h.PictureWidth) &&
		uint64(h.Y)+uint64(h.Height) <= uint64(h.PictureHeight)
}
