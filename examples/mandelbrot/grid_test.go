package mandelbrot_test

import (
	"bytes"
	"image"
	"testing"

	"github.com/anthill-grid/anthill/examples/mandelbrot"
	"github.com/anthill-grid/anthill/internal/lab/gridtest"
	"github.com/anthill-grid/anthill/internal/lab/guests"
	"github.com/anthill-grid/anthill/sdk"
)

// small makes the picture of job.yaml smaller; of two equal flags the last
// counts.
var small = []string{"-width=96", "-height=60", "-tile=12", "-samples=1"}

// TestOnGrid draws the view of job.yaml on a grid and natively, in fewer
// pixels.
func TestOnGrid(t *testing.T) {
	grid := gridtest.Start(t, gridtest.Config{Coordinators: 1, Workers: gridtest.Friends("ada", "bruno")})
	client := grid.Connect(t)
	file, err := sdk.LoadJobFile("job.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file.AllowOutside = true // its guest is built aside
	file.Bundle = guests.Build(t, "github.com/anthill-grid/anthill/examples/mandelbrot/guest")
	file.Args = append(file.Args, small...)
	view, err := mandelbrot.ParseView(file.Args)
	if err != nil {
		t.Fatal(err)
	}
	file.Input.Range = &sdk.Range{To: int64(view.Tiles()), Step: 4}
	job, err := client.Submit(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer job.Close()
	var picture mandelbrot.Picture
	for result, err := range client.Results(t.Context(), job.ID()) {
		if err != nil {
			t.Fatal(err)
		}
		data, err := result.Bytes(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := picture.Add(bytes.NewReader(data)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := picture.Image()
	if err != nil {
		state, stateErr := client.Job(t.Context(), job.ID())
		t.Fatalf("%v: %v, %v", err, state, stateErr)
	}
	expectEqual(t, got, drawNatively(t, view))
}

func drawNatively(t *testing.T, view mandelbrot.View) image.Image {
	t.Helper()
	painter, err := mandelbrot.NewPainter(view)
	if err != nil {
		t.Fatal(err)
	}
	var picture mandelbrot.Picture
	for i := range view.Tiles() {
		tile, err := painter.Tile(i)
		if err != nil {
			t.Fatal(err)
		}
		var wire bytes.Buffer
		if _, err := tile.WriteTo(&wire); err != nil {
			t.Fatal(err)
		}
		if err := picture.Add(&wire); err != nil {
			t.Fatal(err)
		}
	}
	img, err := picture.Image()
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func expectEqual(t *testing.T, got, want image.Image) {
	t.Helper()
	if got.Bounds() != want.Bounds() {
		t.Fatalf("a picture of %v, want %v", got.Bounds(), want.Bounds())
	}
	for y := range want.Bounds().Dy() {
		for x := range want.Bounds().Dx() {
			if got.At(x, y) != want.At(x, y) {
				t.Fatalf("pixel (%d, %d) is %v, want %v", x, y, got.At(x, y), want.At(x, y))
			}
		}
	}
}
