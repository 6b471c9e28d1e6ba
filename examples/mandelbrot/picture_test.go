package mandelbrot

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
)

func TestTileRoundTrip(t *testing.T) {
	in := Tile{PictureWidth: 9, PictureHeight: 8, X: 7, Y: 5, Width: 2, Height: 3, RGB: []byte("abcdefghijklmnopqr")}
	var wire bytes.Buffer
	n, err := in.WriteTo(&wire)
	if err != nil || n != int64(wire.Len()) || n != 24+18 {
		t.Fatalf("wrote %d bytes, %v; want 42", n, err)
	}
	out, err := ReadTile(&wire)
	if err != nil || out.X != 7 || out.Y != 5 || out.Width != 2 || out.Height != 3 || !bytes.Equal(out.RGB, in.RGB) {
		t.Errorf("got %+v, %v", out, err)
	}
	if _, err := ReadTile(&wire); !errors.Is(err, io.EOF) {
		t.Errorf("after the last tile: %v; want EOF", err)
	}
}

func wire(t *testing.T, tiles ...Tile) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	for _, tile := range tiles {
		tile.RGB = bytes.Repeat([]byte{1, 2, 3}, tile.Width*tile.Height)
		if _, err := tile.WriteTo(&b); err != nil {
			t.Fatal(err)
		}
	}
	return &b
}

func TestReadTileRefuses(t *testing.T) {
	good := wire(t, Tile{4, 4, 0, 0, 2, 2, nil}).String()
	for name, test := range map[string]struct{ in, want string }{
		"cut header":  {good[:10], "unexpected EOF"},
		"cut pixels":  {good[:len(good)-1], "read tile at (0, 0): unexpected EOF"},
		"no pixels":   {good[:24], "read tile at (0, 0): EOF"},
		"text":        {"this is not a tile, it is text", "is no tile of a picture"},
		"outside":     {wire(t, Tile{4, 4, 3, 0, 2, 2, nil}).String(), "2x2 at (3, 0) is no tile of a picture of 4x4"},
		"empty":       {wire(t, Tile{4, 4, 0, 0, 0, 2, nil}).String(), "0x2 at"},
		"huge":        {strings.Repeat("\x7f", 40), "is no tile"},
		"wraps round": {wire(t, Tile{4, 4, math.MaxUint32, 0, 2, 2, nil}).String(), "is no tile"},
	} {
		if _, err := ReadTile(strings.NewReader(test.in)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v; want %q", name, err, test.want)
		}
	}
}

func TestPictureRefuses(t *testing.T) {
	left, right := Tile{4, 2, 0, 0, 2, 2, nil}, Tile{4, 2, 2, 0, 2, 2, nil}
	for _, test := range []struct {
		name  string
		tiles []Tile
		want  string
	}{
		{"no tiles", nil, "no tiles"},
		{"a tile is missing", []Tile{left}, "4 of 8 pixels are missing"},
		{"a tile twice", []Tile{left, right, right}, "two tiles cover the pixel at (2, 0)"},
		{"of two pictures", []Tile{left, {5, 2, 2, 0, 2, 2, nil}}, "a tile of a picture of (5,2) in one of (4,2)"},
	} {
		var p Picture
		err := p.Add(wire(t, test.tiles...))
		if err == nil {
			_, err = p.Image()
		}
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v; want %q", test.name, err, test.want)
		}
	}
	var p Picture
	if err := p.Add(wire(t, right, left)); err != nil {
		t.Fatal(err)
	}
	if img, err := p.Image(); err != nil || img.Bounds().Dx() != 4 {
		t.Errorf("whole picture: %v, %v", img, err)
	}
}

func TestLog2(t *testing.T) {
	for x := 1e-300; x < 1e300; x *= 1.37 {
		if got, want := log2(x), math.Log2(x); math.Abs(got-want) > 1e-12*max(1, math.Abs(want)) {
			t.Fatalf("log2(%g) = %.17g; want %.17g", x, got, want)
		}
	}
	if log2(1) != 0 || log2(8) != 3 || log2(0.25) != -2 {
		t.Errorf("powers of two: %g, %g, %g", log2(1), log2(8), log2(0.25))
	}
}

func TestPaletteHasNoSeam(t *testing.T) {
	for at := -1.5; at < 1.5; at += 1.0 / 512 {
		a, b := pick(at), pick(at+1.0/512)
		if math.Abs(a.r-b.r)+math.Abs(a.g-b.g)+math.Abs(a.b-b.b) > 0.06 {
			t.Errorf("the colour jumps at %g: %v to %v", at, a, b)
		}
	}
	if pick(0) != palette[0] || pick(0.125) != palette[1] {
		t.Error("whole steps are not the palette's own colours")
	}
}
