package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/anthill-grid/anthill/internal/problem"
)

// writtenThrough says whether what stands at a path is to be written to as it is: a
// device or a FIFO, which a file that takes its place would destroy, or a link into
// a process' descriptors, such as /dev/stdout. What cannot be written at all is an
// error.
func writtenThrough(path string) (bool, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil // or a link to nothing, which is replaced
	case err != nil:
		return false, problem.Invalid("choose another file", "write %s: %w", path, err)
	case info.Mode()&(fs.ModeDevice|fs.ModeCharDevice|fs.ModeNamedPipe) != 0:
		return true, nil
	case info.Mode().IsRegular():
		return namesDescriptor(path), nil
	case info.IsDir():
		return false, nil // whoever asks knows what to say of directories
	}
	return false, problem.Invalid("choose another file", "write %s: it is neither a file nor a device nor a pipe", path)
}

// namesDescriptor says whether a path leads to an open descriptor of a process.
func namesDescriptor(path string) bool {
	for range 40 { // as many links as systems follow
		abs, err := filepath.Abs(path)
		if err != nil {
			return false
		}
		if dir := filepath.Dir(abs); dir == "/dev/fd" || strings.HasPrefix(dir, "/proc/") && filepath.Base(dir) == "fd" {
			return true
		}
		next, err := os.Readlink(abs)
		if err != nil {
			return false
		}
		if !filepath.IsAbs(next) {
			next = filepath.Join(filepath.Dir(abs), next)
		}
		path = next
	}
	return false
}

// openThrough opens what is to be written through. It waits for the reader of a FIFO
// until ctx ends, and says so.
func openThrough(ctx context.Context, path string, stderr io.Writer) (*os.File, error) {
	told := false
	for {
		file, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0)
		if !errors.Is(err, syscall.ENXIO) {
			if err != nil {
				return nil, problem.Invalid("choose another file", "write %s: %w", path, err)
			}
			return file, nil
		}
		if !told {
			fmt.Fprintf(stderr, "waiting until somebody reads %s\n", path)
			told = true
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// writeOutputFile writes data to a file or, where that is no file, through to it.
func writeOutputFile(ctx context.Context, path string, data []byte, stderr io.Writer) error {
	through, err := writtenThrough(path)
	if err != nil {
		return err
	}
	if !through {
		return os.WriteFile(path, data, 0o666)
	}
	file, err := openThrough(ctx, path, stderr)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = file.SetDeadline(time.Now()) })
	defer stop()
	_, err = file.Write(data)
	return errors.Join(err, file.Close())
}
