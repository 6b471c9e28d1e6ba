package blob

// shareParts is into how many parts a Share divides a blob at most. Blobs of up
// to 2 GiB have no more pieces than that.
const shareParts = 512

// MaxShare is the size of the largest Share in bytes.
const MaxShare = shareParts / 8

// Share tells roughly which parts of a blob somebody has: bit k stands for all
// pieces of the k-th of up to 512 equal parts. It is small whatever the size of
// the blob, and enough to choose who works on a part of it.
type Share Bitmap

// ShareOf reduces a bitmap of so many pieces.
func ShareOf(have Bitmap, pieces int) Share {
	parts := min(pieces, shareParts)
	s := NewBitmap(parts)
	for k := range parts {
		whole := true
		for i := k * pieces / parts; i < (k+1)*pieces/parts; i++ {
			whole = whole && have.Has(i)
		}
		if whole {
			s.Set(k)
		}
	}
	return Share(s)
}

// Covers tells whether the pieces [first, end) of so many are there, as far as
// the share tells.
func (s Share) Covers(pieces, first, end int) bool {
	parts := min(pieces, shareParts)
	for i := first; i < end; i++ {
		if !Bitmap(s).Has(((i+1)*parts - 1) / pieces) {
			return false
		}
	}
	return first < end
}
