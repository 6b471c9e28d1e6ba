package blob

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// The canonical encoding, big endian: 3 bytes "AHB", the version, the size in 8
// bytes, the piece size in 4, and 32 bytes for each piece.
const (
	magic      = "AHB"
	version    = 1
	headerSize = len(magic) + 1 + 8 + 4
	hashSize   = sha256.Size

	// MaxEncoded is the length of the longest encoding, of a blob of MaxSize.
	MaxEncoded = headerSize + MaxSize/MaxPiece*hashSize
)

// Encode gives the one canonical encoding of m.
func (m Manifest) Encode() []byte {
	b := make([]byte, 0, headerSize+len(m.Pieces)*hashSize)
	b = append(b, magic...)
	b = append(b, version)
	b = binary.BigEndian.AppendUint64(b, uint64(m.Size))
	b = binary.BigEndian.AppendUint32(b, uint32(m.PieceSize))
	for _, h := range m.Pieces {
		b = append(b, h[:]...)
	}
	return b
}

// Decode reads the manifest that id names. Whoever sent the bytes is not
// trusted: the hash, the version, the limits and the one allowed piece size are
// checked before anything is allocated by what they say. Every error wraps
// ErrInvalid.
func Decode(id ID, encoded []byte) (Manifest, error) {
	m, err := decode(id, encoded)
	if err != nil {
		return Manifest{}, fmt.Errorf("decode manifest %s: %w: %w", id.Short(), ErrInvalid, err)
	}
	return m, nil
}

func decode(id ID, encoded []byte) (Manifest, error) {
	if len(encoded) < headerSize || len(encoded) > MaxEncoded {
		return Manifest{}, fmt.Errorf("%d bytes, want %d to %d", len(encoded), headerSize, MaxEncoded)
	}
	if sum := sha256.Sum256(encoded); sum != id {
		return Manifest{}, fmt.Errorf("hash is %s", ID(sum).Short())
	}
	m, err := decodeHeader(encoded[:headerSize])
	if err != nil {
		return Manifest{}, err
	}
	hashes, count := encoded[headerSize:], Pieces(m.Size)
	if count > MaxPieces || len(hashes) != count*hashSize {
		return Manifest{}, fmt.Errorf("%d bytes of hashes for %d pieces", len(hashes), count)
	}
	m.Pieces = make([][32]byte, count)
	for i := range m.Pieces {
		copy(m.Pieces[i][:], hashes[i*hashSize:])
	}
	return m, nil
}

func decodeHeader(b []byte) (Manifest, error) {
	if !bytes.HasPrefix(b, []byte(magic)) {
		return Manifest{}, fmt.Errorf("starts with %x, not a manifest", b[:len(magic)])
	}
	if v := b[len(magic)]; v != version {
		return Manifest{}, fmt.Errorf("version %d, this program knows %d", v, version)
	}
	b = b[len(magic)+1:]
	size := binary.BigEndian.Uint64(b)
	if size > MaxSize {
		return Manifest{}, fmt.Errorf("size %d, limit %d", size, int64(MaxSize))
	}
	m := Manifest{Size: int64(size), PieceSize: int64(binary.BigEndian.Uint32(b[8:]))}
	if want := PieceSize(m.Size); m.PieceSize != want {
		return Manifest{}, fmt.Errorf("piece size %d, want %d", m.PieceSize, want)
	}
	return m, nil
}
