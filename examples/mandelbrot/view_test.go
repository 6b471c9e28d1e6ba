package mandelbrot

import (
	"bytes"
	"strings"
	"testing"
)

func TestParseView(t *testing.T) {
	v, err := ParseView(strings.Fields("-re=-0.75 -im 0.1 -span 1e-20 -width 30 -height 20 -tile 8 -limit 99 -samples 3"))
	want := View{Re: "-0.75", Im: "0.1", Span: 1e-20, Width: 30, Height: 20, Tile: 8, Limit: 99, Samples: 3}
	if err != nil || v != want {
		t.Errorf("got %+v, %v; want %+v", v, err, want)
	}
	if v.Tiles() != 12 {
		t.Errorf("%d tiles; want 4 columns x 3 rows", v.Tiles())
	}
}

func TestParseViewRefuses(t *testing.T) {
	for args, want := range map[string]string{
		"-re 0 -im 0 -colour red":     "not defined: -colour",
		"-re 0 -im 0 extra":           `"extra" is not a flag`,
		"-re 0":                       `middle ""`,
		"-re 0x -im 0":                `middle "0x"`,
		"-re Inf -im 0":               `middle "Inf"`,
		"-re 0 -im 1e9":               `middle "1e9"`,
		"-re 0 -im 0 -width 0":        "0x600 pixels",
		"-re 0 -im 0 -height 99999":   "960x99999 pixels",
		"-re 0 -im 0 -tile 5000":      "tile 5000",
		"-re 0 -im 0 -limit -1":       "limit -1",
		"-re 0 -im 0 -samples 100":    "samples 100",
		"-re 0 -im 0 -span NaN":       "span NaN",
		"-re 0 -im 0 -span 1e-300":    "span 1e-300",
		"-re 0 -im 0 -limit 99999999": "limit 99999999",
	} {
		if _, err := ParseView(strings.Fields(args)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v; want %s", args, err, want)
		}
	}
}

// TestCutDoesNotShow draws the same view whole and in tiles that do not divide
// it evenly.
func TestCutDoesNotShow(t *testing.T) {
	whole, cut := draw(t, deep(25, 17, 1000, 2)), draw(t, deep(25, 17, 7, 2))
	if !bytes.Equal(whole, cut) {
		t.Error("the tiles make another picture than the whole")
	}
	distinct := map[[3]byte]bool{}
	for i := 0; i < len(whole); i += 3 {
		distinct[[3]byte(whole[i:])] = true
	}
	if len(distinct) < 25*17/2 {
		t.Errorf("only %d colours: is this a picture?", len(distinct))
	}
}

func TestNoSuchTile(t *testing.T) {
	p, err := NewPainter(deep(10, 10, 5, 1))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{-1, 4} {
		if _, err := p.Tile(n); err == nil || !strings.Contains(err.Error(), "has tiles 0 to 3") {
			t.Errorf("tile %d: error %v", n, err)
		}
	}
}

func TestInsideIsBlack(t *testing.T) {
	v := View{Re: "0", Im: "0", Span: 0.1, Width: 4, Height: 4, Tile: 4, Limit: 100, Samples: 2}
	if got := draw(t, v); !bytes.Equal(got, make([]byte, 48)) {
		t.Errorf("got % x; want black", got)
	}
}

// draw renders a view by way of tiles and the wire, and returns its RGB.
func draw(t *testing.T, v View) []byte {
	t.Helper()
	p, err := NewPainter(v)
	if err != nil {
		t.Fatal(err)
	}
	var wire bytes.Buffer
	for n := v.Tiles() - 1; n >= 0; n-- {
		tile, err := p.Tile(n)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tile.WriteTo(&wire); err != nil {
			t.Fatal(err)
		}
	}
	var picture Picture
	if err := picture.Add(&wire); err != nil {
		t.Fatal(err)
	}
	img, err := picture.Image()
	if err != nil {
		t.Fatal(err)
	}
	var rgb []byte
	for y := range v.Height {
		for x := range v.Width {
			r, g, b, _ := img.At(x, y).RGBA()
			rgb = append(rgb, byte(r), byte(g), byte(b))
		}
	}
	return rgb
}
