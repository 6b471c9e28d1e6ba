package sdk

import (
	"io"
	"time"
)

// tellEvery is how often a progressReader reports.
const tellEvery = 200 * time.Millisecond

// progressReader reports how much was read, and at the end how much there was.
type progressReader struct {
	in         io.Reader
	tell       func(read, size int64) // may be nil
	read, size int64
	last       time.Time
}

func (r *progressReader) Read(buf []byte) (int, error) {
	n, err := r.in.Read(buf)
	r.read += int64(n)
	if err != nil {
		r.size = r.read
	}
	if r.tell != nil && (err != nil || time.Since(r.last) >= tellEvery) {
		r.last = time.Now()
		r.tell(r.read, r.size)
	}
	return n, err
}
