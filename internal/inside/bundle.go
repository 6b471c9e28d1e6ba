package inside

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// askWait is how long each part of a bundle is waited for: a process that hangs has
// something to show as well.
const askWait = 10 * time.Second

// parts are the files of a bundle, and where they come from.
var parts = []struct{ name, path string }{
	{"about.json", "/about"},
	{"readyz.txt", "/readyz"},
	{"healthz.txt", "/healthz"},
	{"metrics.txt", "/metrics"},
	{"pictures.json", "/pictures"},
	{"log.txt", "/log"},
	{"goroutines.txt", "/debug/pprof/goroutine?debug=2"},
	{"heap.pprof", "/debug/pprof/heap"},
	{"mutex.pprof", "/debug/pprof/mutex"},
}

// WriteBundle writes a .tar.gz of what is to be seen of a process, at a time. What cannot
// be had is left out, and errors.txt says why. If nothing can, that is the error.
func (c *Client) WriteBundle(ctx context.Context, w io.Writer, now time.Time) error {
	var failures []error
	var files []file
	for _, p := range parts {
		data, err := c.ask(ctx, p.path)
		if err != nil {
			failures = append(failures, err)
			continue
		}
		files = append(files, file{p.name, data})
	}
	if err := errors.Join(failures...); len(files) == 0 {
		return failures[0]
	} else if err != nil {
		files = append(files, file{"errors.txt", []byte(err.Error() + "\n")})
	}
	return archive(w, files, now)
}

type file struct {
	name string
	data []byte
}

func archive(w io.Writer, files []file, now time.Time) error {
	zipped := gzip.NewWriter(w)
	tarred := tar.NewWriter(zipped)
	folder := "anthill-debug-" + now.UTC().Format("20060102-150405") + "/"
	for _, f := range files {
		head := &tar.Header{Name: folder + f.name, Mode: 0o600, Size: int64(len(f.data)), ModTime: now}
		if err := tarred.WriteHeader(head); err != nil {
			return fmt.Errorf("write bundle: %w", err)
		}
		if _, err := tarred.Write(f.data); err != nil {
			return fmt.Errorf("write bundle: %w", err)
		}
	}
	if err := errors.Join(tarred.Close(), zipped.Close()); err != nil {
		return fmt.Errorf("write bundle: %w", err)
	}
	return nil
}

func (c *Client) ask(ctx context.Context, path string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	return c.Get(ctx, path)
}
