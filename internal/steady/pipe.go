package steady

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/anthill-grid/anthill/internal/problem"
)

// ReadAll reads a file that must not change meanwhile, or what comes out of a pipe or a
// device, such as /dev/stdin. More than most bytes are an error, as is a FIFO to which
// nobody writes: it would have to be waited for without end. Its errors begin with the
// path.
func ReadAll(path string, most int64) ([]byte, error) {
	in, err := openAny(path)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(in, most+1))
	if err := errors.Join(err, in.Close()); errors.Is(err, ErrChanged) {
		return nil, err
	} else if err != nil {
		return nil, fmt.Errorf("%s: %w", path, cause(err))
	}
	if int64(len(text)) > most {
		return nil, problem.Invalid("name a smaller file", "%s: it has more than %d bytes", path, most)
	}
	return text, nil
}

func openAny(path string) (io.ReadCloser, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, Unreadable(path, err)
	case info.Mode()&fs.ModeNamedPipe != 0:
		return openPipe(path)
	case info.Mode()&fs.ModeDevice != 0:
		in, err := os.Open(path)
		if err != nil {
			return nil, Unreadable(path, err)
		}
		return in, nil
	}
	return Open(path)
}

// openPipe opens a FIFO without waiting for a writer.
func openPipe(path string) (io.ReadCloser, error) {
	in, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, Unreadable(path, err)
	}
	return &pipe{File: in}, nil
}

// pipe is a FIFO that must give something.
type pipe struct {
	*os.File
	some bool
}

func (p *pipe) Read(buf []byte) (int, error) {
	n, err := p.File.Read(buf)
	if p.some = p.some || n > 0; errors.Is(err, io.EOF) && !p.some {
		return 0, problem.Invalid("write to it first, or name a file", "it is a FIFO to which nobody writes")
	}
	return n, err
}
