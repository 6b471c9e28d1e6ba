// Command picture puts the tiles that `anthill results -o DIR` wrote together
// and writes them as a PNG.
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/png"
	"io"
	"os"
	"path/filepath"

	"github.com/anthill-grid/anthill/examples/mandelbrot"
)

func main() {
	err := run(os.Args[1:], os.Stdout)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "picture:", err)
		os.Exit(1)
	}
}

func run(args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("picture", flag.ContinueOnError)
	file := flags.String("o", "mandelbrot.png", "write the picture to `FILE`")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return errors.New("want the directory that `anthill results JOB -o DIR` wrote")
	}
	img, err := assemble(flags.Arg(0))
	if err != nil {
		return err
	}
	if err := writePNG(*file, img); err != nil {
		return err
	}
	size := img.Bounds().Size()
	_, err = fmt.Fprintf(stdout, "%s: %d x %d pixels\n", *file, size.X, size.Y)
	return err
}

func assemble(dir string) (image.Image, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var picture mandelbrot.Picture
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		if err := addFile(&picture, filepath.Join(dir, e.Name())); err != nil {
			return nil, err
		}
	}
	img, err := picture.Image()
	if err != nil {
		return nil, fmt.Errorf("%s: %w; fetch all results by `anthill results JOB -o %s`", dir, err, dir)
	}
	return img, nil
}

func addFile(picture *mandelbrot.Picture, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := picture.Add(bufio.NewReader(file)); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func writePNG(path string, img image.Image) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(png.Encode(file, img), file.Close())
}
