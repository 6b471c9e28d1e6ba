package blob

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/bits"
)

// What a blob may measure.
const (
	MaxSize   = 64 << 30
	MaxPieces = 65536
	MinPiece  = 256 << 10
	MaxPiece  = 4 << 20
)

// Manifest lists the pieces of one blob. All pieces are PieceSize long but the
// last, which has what remains. An empty blob has no pieces.
type Manifest struct {
	Size      int64
	PieceSize int64
	Pieces    [][32]byte
}

// PieceSize is how long the pieces of a blob of size bytes are: the next power
// of two of size/512, at least MinPiece and at most MaxPiece. It depends on
// nothing else, so that equal content has an equal id.
func PieceSize(size int64) int64 {
	if size <= 512*MinPiece {
		return MinPiece
	}
	if size > 512*MaxPiece/2 {
		return MaxPiece
	}
	want := uint64(size+511) / 512
	return 1 << bits.Len64(want-1)
}

// Pieces is how many pieces a blob of size bytes has.
func Pieces(size int64) int {
	piece := PieceSize(size)
	return int((size + piece - 1) / piece)
}

// Of makes the manifest of data.
func Of(data []byte) Manifest {
	m := Manifest{Size: int64(len(data)), PieceSize: PieceSize(int64(len(data)))}
	for len(data) > 0 {
		n := min(int64(len(data)), m.PieceSize)
		m.Pieces = append(m.Pieces, sha256.Sum256(data[:n]))
		data = data[n:]
	}
	return m
}

// Build makes the manifest of exactly size bytes of r. It is an error if r
// ends before that or goes on after it.
func Build(r io.Reader, size int64) (Manifest, error) {
	if size < 0 || size > MaxSize {
		return Manifest{}, fmt.Errorf("build manifest: %w: size %d, want 0 to %d", ErrInvalid, size, int64(MaxSize))
	}
	m := Manifest{Size: size, PieceSize: PieceSize(size)}
	buf := make([]byte, min(size, m.PieceSize))
	for i := range Pieces(size) {
		piece := buf[:m.PieceLen(i)]
		if _, err := io.ReadFull(r, piece); err != nil {
			return Manifest{}, fmt.Errorf("build manifest: read piece %d: %w", i, noEOF(err))
		}
		m.Pieces = append(m.Pieces, sha256.Sum256(piece))
	}
	return m, expectEnd(r, size)
}

// noEOF makes an early end an error that nobody takes for a normal one.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// expectEnd finds input that grew while it was read.
func expectEnd(r io.Reader, size int64) error {
	var one [1]byte
	n, err := io.ReadFull(r, one[:])
	if n > 0 {
		return fmt.Errorf("build manifest: %w: input is longer than %d bytes", ErrInvalid, size)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("build manifest: read end: %w", err)
	}
	return nil
}

// ID is the SHA-256 of the canonical encoding.
func (m Manifest) ID() ID { return sha256.Sum256(m.Encode()) }

// Ref is the blob's id and size.
func (m Manifest) Ref() Ref { return Ref{ID: m.ID(), Size: m.Size} }

// PieceOffset is where piece i starts in the blob.
func (m Manifest) PieceOffset(i int) int64 { return int64(i) * m.PieceSize }

// PieceLen is the length of piece i in bytes.
func (m Manifest) PieceLen(i int) int64 {
	return min(m.PieceSize, m.Size-m.PieceOffset(i))
}

// Covering gives the pieces [first, end) that hold the bytes [off, off+n).
// n < 0 means to the blob's end, and what lies outside of the blob is left out.
func (m Manifest) Covering(off, n int64) (first, end int) {
	off = min(max(off, 0), m.Size)
	if n < 0 || n > m.Size-off {
		n = m.Size - off
	}
	if n == 0 {
		return 0, 0
	}
	return int(off / m.PieceSize), int((off + n + m.PieceSize - 1) / m.PieceSize)
}

// Verify tells whether data is piece i, by length and hash.
func (m Manifest) Verify(i int, data []byte) error {
	if i < 0 || i >= len(m.Pieces) {
		return fmt.Errorf("verify piece %d: %w: blob has %d pieces", i, ErrInvalid, len(m.Pieces))
	}
	if want := m.PieceLen(i); int64(len(data)) != want {
		return fmt.Errorf("verify piece %d: %w: %d bytes, want %d", i, ErrInvalid, len(data), want)
	}
	if sha256.Sum256(data) != m.Pieces[i] {
		return fmt.Errorf("verify piece %d: %w: hash differs from the manifest's", i, ErrInvalid)
	}
	return nil
}
