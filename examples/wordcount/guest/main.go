// Command guest counts the words of a shard: the wordcount task.
//
//	GOOS=wasip1 GOARCH=wasm go build -o wordcount.wasm ./examples/wordcount/guest
//
// It is an ordinary command as well: `go run ./examples/wordcount/guest <FILE`
// counts a file without any grid.
package main

import (
	"io"

	"github.com/anthill-grid/anthill/examples/wordcount"
	"github.com/anthill-grid/anthill/sdk/task"
)

func main() { task.Main(run) }

func run(in io.Reader, out io.Writer) error {
	counts, err := wordcount.Count(in)
	if err != nil {
		return err
	}
	_, err = counts.WriteTo(out)
	return err
}
