package main

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/anthill-grid/anthill/examples/mandelbrot"
)

func results(t *testing.T, tiles ...int) string {
	t.Helper()
	dir := t.TempDir()
	view := mandelbrot.View{Re: "-0.75", Im: "0.1", Span: 1, Width: 20, Height: 10, Tile: 10, Limit: 50, Samples: 1}
	painter, err := mandelbrot.NewPainter(view)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range tiles {
		tile, err := painter.Tile(n)
		if err != nil {
			t.Fatal(err)
		}
		var wire bytes.Buffer
		if _, err := tile.WriteTo(&wire); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, string(rune('a'+n))), wire.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestPicture(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out.png")
	var out bytes.Buffer
	if err := run([]string{"-o", file, results(t, 1, 0)}, &out); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(out.String(), "out.png: 20 x 10 pixels\n") {
		t.Errorf("printed %q", out.String())
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil || img.Bounds().Dx() != 20 || img.Bounds().Dy() != 10 {
		t.Errorf("not the picture: %v", err)
	}
}

func TestPictureRefuses(t *testing.T) {
	text := t.TempDir()
	if err := os.WriteFile(filepath.Join(text, "0"), []byte("ant 1\nbee 2\nwasp 17\nhornet 4\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, "want the directory"},
		{[]string{filepath.Join(text, "none")}, "none"},
		{[]string{t.TempDir()}, "no tiles; fetch all results by"},
		{[]string{results(t, 1)}, "100 of 200 pixels are missing"},
		{[]string{text}, "0: read tile"},
		{[]string{"-o", filepath.Join(text, "no", "dir.png"), results(t, 0, 1)}, "dir.png"},
	} {
		err := run(test.args, new(bytes.Buffer))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v: error %v; want %q", test.args, err, test.want)
		}
	}
}
