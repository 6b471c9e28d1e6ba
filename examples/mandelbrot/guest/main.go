// Command guest draws tiles of a deep zoom: the mandelbrot task. The view comes
// in its arguments, the range of tiles on its input; it writes one tile after
// the other.
//
//	GOOS=wasip1 GOARCH=wasm go build -o mandelbrot.wasm ./examples/mandelbrot/guest
package main

import (
	"io"
	"os"

	"github.com/anthill-grid/anthill/examples/mandelbrot"
	"github.com/anthill-grid/anthill/sdk/task"
)

func main() {
	task.Main(func(in io.Reader, out io.Writer) error { return run(os.Args[1:], in, out) })
}

func run(args []string, in io.Reader, out io.Writer) error {
	view, err := mandelbrot.ParseView(args)
	if err != nil {
		return err
	}
	first, end, err := task.Range(in)
	if err != nil {
		return err
	}
	painter, err := mandelbrot.NewPainter(view)
	if err != nil {
		return err
	}
	for n := first; n < end; n++ {
		tile, err := painter.Tile(int(n))
		if err != nil {
			return err
		}
		if _, err := tile.WriteTo(out); err != nil {
			return err
		}
	}
	return nil
}
