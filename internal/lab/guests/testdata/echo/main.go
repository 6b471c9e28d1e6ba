// Command echo is a guest for guesttest's own tests: it writes its arguments
// and its input, or fails when told to. It imports little, so that it compiles
// fast.
package main

import (
	"io"
	"os"
)

func main() {
	if os.Args[1] == "fail" {
		os.Stderr.WriteString("told to fail\n")
		os.Exit(3)
	}
	for _, arg := range os.Args[1:] {
		os.Stdout.WriteString(arg + "|")
	}
	if _, err := io.Copy(os.Stdout, os.Stdin); err != nil {
		os.Exit(1)
	}
}
