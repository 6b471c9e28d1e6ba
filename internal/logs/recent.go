package logs

import (
	"bytes"
	"slices"
	"sync"
)

// recentKept is how many bytes of log are kept once there are as many, and at most twice
// as many.
const recentKept = 512 << 10

// Recent keeps the latest lines that were written to it. It never fails.
type Recent struct {
	mu   sync.Mutex
	last []byte
}

// Write implements io.Writer.
func (r *Recent) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = append(r.last, p...)
	if len(r.last) > 2*recentKept {
		rest := r.last[len(r.last)-recentKept:]
		if _, whole, ok := bytes.Cut(rest, []byte{'\n'}); ok {
			rest = whole
		}
		r.last = slices.Clone(rest)
	}
	return len(p), nil
}

// Text is what is kept.
func (r *Recent) Text() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.last)
}
