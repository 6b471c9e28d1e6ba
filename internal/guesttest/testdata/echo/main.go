// Command echo is a guest for guesttest's own tests: it writes its arguments
// and its input, or fails when told to.
package main

import (
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	if os.Args[1] == "fail" {
		fmt.Fprintln(os.Stderr, "told to fail")
		os.Exit(3)
	}
	fmt.Print(strings.Join(os.Args[1:], "|"), "|")
	if _, err := io.Copy(os.Stdout, os.Stdin); err != nil {
		os.Exit(1)
	}
}
