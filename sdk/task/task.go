// Package task is for programs that run on the grid. It is compiled into the
// guest (GOOS=wasip1 GOARCH=wasm) and imports nothing but the standard
// library.
//
// A task reads its shard on standard input and writes its result on standard
// output; what it writes on standard error is a log that nobody compares. The
// same bytes in must give the same bytes out on every machine: the clock is
// fake, the random source is seeded by the job and the task, and a map is
// walked in sorted order or not at all.
//
//	func main() {
//		task.Main(func(in io.Reader, out io.Writer) error {
//			n, err := io.Copy(io.Discard, in)
//			fmt.Fprintln(out, n)
//			return err
//		})
//	}
package task

import (
	"bufio"
	"fmt"
	"io"
	"os"
)

// bufferSize is large because every read and write of a guest crosses into
// the host.
const bufferSize = 64 << 10

// Main runs the task on the shard and exits: 0 if run returned nil, else 1
// with the error on standard error. Both streams are buffered, and what was
// written is flushed before a successful exit.
func Main(run func(in io.Reader, out io.Writer) error) {
	if err := execute(os.Stdin, os.Stdout, run); err != nil {
		fmt.Fprintf(os.Stderr, "task failed: %v\n", err)
		os.Exit(1)
	}
}

func execute(stdin io.Reader, stdout io.Writer, run func(io.Reader, io.Writer) error) error {
	out := bufio.NewWriterSize(stdout, bufferSize)
	if err := run(bufio.NewReaderSize(stdin, bufferSize), out); err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}
