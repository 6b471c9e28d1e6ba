package sandbox

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/anthill-grid/anthill/worker/sandbox/prices"
)

// errOutputLimit stops the guest out of its write: the engine turns a panic in
// a host function into an error of the call.
var errOutputLimit = errors.New("output limit reached")

// limitedBuffer takes the guest's output.
type limitedBuffer struct {
	limit    int64
	bill     *prices.Bill
	content  []byte
	exceeded bool
}

func (b *limitedBuffer) Write(p []byte) (int, error) {
	if int64(len(b.content))+int64(len(p)) > b.limit {
		b.exceeded = true
		panic(errOutputLimit)
	}
	b.bill.Add(prices.Buffer + prices.Bytes(len(p)))
	b.grow(int64(len(b.content) + len(p)))
	b.content = append(b.content, p...)
	return len(p), nil
}

// grow makes room for so many bytes. It doubles what there was, and takes all that it
// may rather than more than half of that, so that all it ever allocates is twice the
// limit: while a guest runs, hardly any garbage is collected.
func (b *limitedBuffer) grow(size int64) {
	have := int64(cap(b.content))
	if size <= have {
		return
	}
	room := max(size, 2*have)
	if room > b.limit/2 {
		room = b.limit
	}
	b.content = append(make([]byte, 0, room), b.content...)
}

// tail keeps the last bytes that were written to it.
type tail struct {
	limit int
	bill  *prices.Bill
	kept  []byte
}

func (t *tail) Write(p []byte) (int, error) {
	n := len(p)
	if n > t.limit {
		p = p[n-t.limit:]
	}
	t.bill.Add(prices.Buffer + prices.Bytes(len(p)))
	t.kept = append(t.kept, p...)
	// Let it grow to twice the limit, so that bytes are moved rarely.
	if len(t.kept) > 2*t.limit {
		t.kept = append(t.kept[:0], t.kept[len(t.kept)-t.limit:]...)
	}
	return n, nil
}

func (t *tail) bytes() []byte { return t.kept[max(0, len(t.kept)-t.limit):] }

// head keeps the first bytes that were written to it.
type head struct {
	limit int
	kept  []byte
}

func (h *head) Write(p []byte) (int, error) {
	if room := h.limit - len(h.kept); room > 0 {
		h.kept = append(h.kept, p[:min(room, len(p))]...)
	}
	return len(p), nil
}

// input gives the shard in the same portions whether it came through the pipe
// or lies in a file, and remembers an error of the host.
type input struct {
	source io.Reader
	left   int64
	bill   *prices.Bill
	file   *os.File
	err    error
}

func openInput(o order) (*input, error) {
	section := o.request.StdinFile
	if section.Path == "" {
		return &input{source: bytes.NewReader(o.input), left: int64(len(o.input))}, nil
	}
	f, err := os.Open(section.Path)
	if err != nil {
		return nil, fmt.Errorf("open input: %w", err)
	}
	return &input{
		source: io.NewSectionReader(f, section.Offset, section.Length),
		left:   section.Length,
		file:   f,
	}, nil
}

// Read fills p unless the shard ends before that.
func (i *input) Read(p []byte) (int, error) {
	if i.err != nil {
		return 0, i.err
	}
	if i.left == 0 {
		return 0, io.EOF
	}
	p = p[:min(int64(len(p)), i.left)]
	n, err := io.ReadFull(i.source, p)
	i.bill.Add(prices.Bytes(n))
	if err != nil {
		i.err = fmt.Errorf("input with %d bytes left: %w", i.left, err)
		return 0, i.err
	}
	i.left -= int64(n)
	return n, nil
}

func (i *input) close() {
	if i.file != nil {
		_ = i.file.Close()
	}
}

// random is the keystream of AES-256 in counter mode from zero under the
// task's seed: the same bytes in every version and on every CPU.
type random struct{ stream cipher.Stream }

func newRandom(seed []byte) (random, error) {
	block, err := aes.NewCipher(seed)
	if err != nil {
		return random{}, fmt.Errorf("seed of %d bytes: %w", len(seed), err)
	}
	return random{cipher.NewCTR(block, make([]byte, aes.BlockSize))}, nil
}

func (r random) Read(p []byte) (int, error) {
	clear(p)
	r.stream.XORKeyStream(p, p)
	return len(p), nil
}
