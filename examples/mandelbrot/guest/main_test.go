package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/anthill-grid/anthill/internal/lab/guests"
)

const guest = "github.com/anthill-grid/anthill/examples/mandelbrot/guest"

// A corner of job.yaml's picture, in few pixels.
var deep = strings.Fields("-re=-0.74338473538364385597049005816297610714073881876831" +
	" -im=0.1318769228756863988939811034361552468268708734995" +
	" -span=3e-20 -width=48 -height=30 -tile=12 -limit=10000 -samples=2")

func TestGuestIsNative(t *testing.T) {
	g := guests.Load(t, guests.Build(t, guest))
	for _, tiles := range []string{"0 2\n", "5 8\n", "11 12", "3 3\n"} {
		var want bytes.Buffer
		if err := run(deep, strings.NewReader(tiles), &want); err != nil {
			t.Fatal(err)
		}
		got, err := g.Run(strings.NewReader(tiles), deep...)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want.Bytes()) {
			t.Errorf("tiles %q: the guest's bytes differ from native ones", tiles)
		}
	}
}

func TestGuestTellsWhatIsWrong(t *testing.T) {
	for _, test := range []struct{ args, in, want string }{
		{"-re=0 -im=0 -span=0", "0 1\n", "span 0"},
		{"-re=0 -im=0", "all of them", "read range"},
		{"-re=0 -im=0 -width=80 -height=80", "0 2\n", "tile 1: the picture has tiles 0 to 0"},
	} {
		err := run(strings.Fields(test.args), strings.NewReader(test.in), new(bytes.Buffer))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s < %q: error %v; want %q", test.args, test.in, err, test.want)
		}
	}
}
