package cli

import (
	"bytes"
	"io"
	"os"
	"sync"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/anthill-grid/anthill/jobs"
)

// console is where a command writes for people. Much of what they read was written
// by strangers: what a worker says of a failed task, the end of a guest's stderr, the
// names of others' blobs. A terminal obeys some of such text, so nothing passes that
// could be an order: only what can be seen, tabs and line ends.
type console struct {
	raw io.Writer // for bytes that are data, such as a blob, and for progress bars

	mu   sync.Mutex
	rest []byte // the beginning of a character whose end has not been written yet
}

// newConsole filters what is written to w.
func newConsole(w io.Writer) *console { return &console{raw: w} }

// Write implements io.Writer. It takes all of p or fails.
func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	text := append(c.rest, p...)
	whole := len(text) - unfinished(text)
	c.rest = bytes.Clone(text[whole:])
	if _, err := io.WriteString(c.raw, jobs.Printable(string(text[:whole]))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// unfinished is how many bytes at the end may be the beginning of a character.
func unfinished(text []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(text); n++ {
		if tail := text[len(text)-n:]; utf8.RuneStart(tail[0]) {
			if utf8.FullRune(tail) {
				return 0
			}
			return n
		}
	}
	return 0
}

// rawWriter is where bytes go that nobody reads as text: the blob on stdout, or the
// controls of our own progress bars.
func rawWriter(w io.Writer) io.Writer {
	if s, ok := w.(*console); ok {
		return s.raw
	}
	return w
}

// isTerminal tells whether a person is at the other end of w, a reader or writer.
func isTerminal(w any) bool {
	if s, ok := w.(*console); ok {
		w = s.raw
	}
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
