package sdk

import (
	"io"
	"time"
)

// tellEvery is how often a toldReader tells.
const tellEvery = 200 * time.Millisecond

// toldReader tells how much was read, and of all at the end.
type toldReader struct {
	in         io.Reader
	tell       func(read, size int64) // nil: nobody is told
	read, size int64
	last       time.Time
}

func (r *toldReader) Read(buf []byte) (int, error) {
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
