package blob

import "math/bits"

// Bitmap tells which pieces of a blob somebody has. Piece i is bit i%8 of byte
// i/8, least significant first.
type Bitmap []byte

// NewBitmap makes an empty bitmap for n pieces.
func NewBitmap(n int) Bitmap { return make(Bitmap, (n+7)/8) }

// FullBitmap makes a bitmap of n pieces that are all there.
func FullBitmap(n int) Bitmap {
	b := NewBitmap(n)
	for i := range n {
		b.Set(i)
	}
	return b
}

// Has tells whether piece i is there. Beyond the bitmap's end nothing is: a
// peer's bitmap may be shorter than the blob.
func (b Bitmap) Has(i int) bool {
	return i >= 0 && i/8 < len(b) && b[i/8]&(1<<(i%8)) != 0
}

// Set marks piece i, which must lie within the bitmap.
func (b Bitmap) Set(i int) { b[i/8] |= 1 << (i % 8) }

// Clear unmarks piece i, which must lie within the bitmap.
func (b Bitmap) Clear(i int) { b[i/8] &^= 1 << (i % 8) }

// Count is how many pieces are there.
func (b Bitmap) Count() int {
	n := 0
	for _, x := range b {
		n += bits.OnesCount8(x)
	}
	return n
}

// All tells whether the first n pieces are there.
func (b Bitmap) All(n int) bool {
	for i := range n {
		if !b.Has(i) {
			return false
		}
	}
	return true
}

// Clone makes a copy that shares nothing.
func (b Bitmap) Clone() Bitmap { return append(Bitmap(nil), b...) }
