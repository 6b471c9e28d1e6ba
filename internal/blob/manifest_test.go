package blob

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestPieceSize(t *testing.T) {
	const KiB, MiB, GiB = 1 << 10, 1 << 20, 1 << 30
	for _, c := range []struct{ size, want int64 }{
		{0, 256 * KiB},
		{1, 256 * KiB},
		{128 * MiB, 256 * KiB},
		{128*MiB + 1, 512 * KiB},
		{256 * MiB, 512 * KiB},
		{1 * GiB, 2 * MiB},
		{1*GiB + 1, 4 * MiB},
		{MaxSize, 4 * MiB},
	} {
		if got := PieceSize(c.size); got != c.want {
			t.Errorf("PieceSize(%d) = %d, want %d", c.size, got, c.want)
		}
	}
}

func TestPieceSizeAgreesWithDumbVersion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.Int64Range(0, MaxSize).Draw(t, "size")
		want := int64(MinPiece)
		for want < MaxPiece && want*512 < size {
			want *= 2
		}
		if got := PieceSize(size); got != want {
			t.Fatalf("PieceSize(%d) = %d, want %d", size, got, want)
		}
	})
}

// The id of a given content must never change: jobs in flight name it.
func TestIDsAreStable(t *testing.T) {
	for _, c := range []struct{ data, want string }{
		{"", "7be589620bfa5a29a42568d8ac419eac0ebaebd758d7a78a8c5bfe039f3ef248"},
		{"hello", "794f4b5cbf7bb36503b8cd2cd729320c856816452d5d71082d95be8af774571e"},
		{strings.Repeat("ant", 200_000), "c7bd93bec21f986b50b532a747707e08fb5ec3544076ec62ee00983701477de4"},
	} {
		if got := Of([]byte(c.data)).ID().String(); got != c.want {
			t.Errorf("%d bytes: id %s, want %s", len(c.data), got, c.want)
		}
	}
}

// sample draws data around the piece boundaries.
func sample(t *rapid.T) []byte {
	pieces := rapid.IntRange(0, 3).Draw(t, "pieces")
	rest := rapid.SampledFrom([]int{0, 1, 1000, MinPiece - 1}).Draw(t, "rest")
	data := make([]byte, pieces*MinPiece+rest)
	for i := range data {
		data[i] = byte(i >> 10)
	}
	return data
}

func TestBuildAgreesWithOf(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := sample(t)
		built, err := Build(inHalves(data), int64(len(data)))
		if err != nil || built.ID() != Of(data).ID() {
			t.Fatalf("built %s, %v, want %s", built.ID(), err, Of(data).ID())
		}
	})
}

// inHalves reads in two steps.
func inHalves(data []byte) io.Reader {
	half := len(data) / 2
	return io.MultiReader(bytes.NewReader(data[:half]), bytes.NewReader(data[half:]))
}

func TestBuildRefusesOtherLength(t *testing.T) {
	if _, err := Build(strings.NewReader("hello"), 6); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("too short: %v", err)
	}
	if _, err := Build(strings.NewReader("hello"), 4); !errors.Is(err, ErrInvalid) {
		t.Errorf("too long: %v", err)
	}
	if _, err := Build(strings.NewReader(""), MaxSize+1); !errors.Is(err, ErrInvalid) {
		t.Errorf("over the limit: %v", err)
	}
}

func TestPiecesTileTheBlob(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.Int64Range(0, MaxSize).Draw(t, "size")
		m := Manifest{Size: size, PieceSize: PieceSize(size)}
		at := int64(0)
		for i := range Pieces(size) {
			if m.PieceOffset(i) != at || m.PieceLen(i) < 1 {
				t.Fatalf("piece %d: offset %d length %d, want offset %d", i, m.PieceOffset(i), m.PieceLen(i), at)
			}
			at += m.PieceLen(i)
		}
		if at != size {
			t.Fatalf("pieces end at %d of %d", at, size)
		}
	})
}

func TestCoveringIsTheLeastThatHoldsTheRange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.Int64Range(0, 5*MinPiece).Draw(t, "size")
		off := rapid.Int64Range(-1, 6*MinPiece).Draw(t, "off")
		n := rapid.Int64Range(-1, 6*MinPiece).Draw(t, "n")
		m := Manifest{Size: size, PieceSize: PieceSize(size), Pieces: make([][32]byte, Pieces(size))}
		first, end := m.Covering(off, n)
		for i := range m.Pieces {
			from, to := m.PieceOffset(i), m.PieceOffset(i)+m.PieceLen(i)
			lo, hi := max(off, 0), size
			if n >= 0 {
				hi = min(lo+n, size)
			}
			touched := from < hi && lo < to && lo < hi
			if touched != (first <= i && i < end) {
				t.Fatalf("[%d,+%d) of %d: covering [%d,%d), piece %d touched: %v", off, n, size, first, end, i, touched)
			}
		}
		if first < 0 || end > len(m.Pieces) {
			t.Fatalf("covering [%d,%d) of %d pieces", first, end, len(m.Pieces))
		}
	})
}

func TestVerify(t *testing.T) {
	data := bytes.Repeat([]byte("ant"), MinPiece/2)
	m := Of(data)
	last := data[MinPiece:]
	if err := m.Verify(1, last); err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(last)
	flipped[7] ^= 1
	for name, err := range map[string]error{
		"flipped bit":    m.Verify(1, flipped),
		"cut short":      m.Verify(1, last[1:]),
		"other piece":    m.Verify(0, last),
		"beyond the end": m.Verify(2, last),
		"negative":       m.Verify(-1, last),
	} {
		if !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDecodeIsTheInverseOfEncode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := Of(sample(t))
		back, err := Decode(m.ID(), m.Encode())
		if err != nil || !bytes.Equal(back.Encode(), m.Encode()) {
			t.Fatalf("decoded %d bytes, %v, want %d", back.Size, err, m.Size)
		}
	})
}

func TestDecodeRefuses(t *testing.T) {
	m := Of(bytes.Repeat([]byte("ant"), MinPiece))
	edit := func(f func(b []byte) []byte) []byte { return f(m.Encode()) }
	size := func(n uint64) []byte {
		return edit(func(b []byte) []byte { binary.BigEndian.PutUint64(b[4:], n); return b })
	}
	for _, c := range []struct {
		name    string
		encoded []byte
		want    string
	}{
		{"nothing", nil, "0 bytes, want 16 to 524304"},
		{"not a manifest", make([]byte, 16), "starts with 000000, not a manifest"},
		{"other version", edit(func(b []byte) []byte { b[3] = 2; return b }), "version 2, this program knows 1"},
		{"size over the limit", size(MaxSize + 1), "size 68719476737, limit 68719476736"},
		{"negative size", size(1 << 63), "size 9223372036854775808, limit 68719476736"},
		{"huge size, few hashes", size(MaxSize), "piece size 262144, want 4194304"},
		{"more pieces than hashes", size(100 << 20), "96 bytes of hashes for 400 pieces"},
		{"odd piece size", edit(func(b []byte) []byte { b[15] = 1; return b }), "piece size 262145, want 262144"},
		{"cut", edit(func(b []byte) []byte { return b[:len(b)-1] }), "95 bytes of hashes for 3 pieces"},
		{"longer", edit(func(b []byte) []byte { return append(b, 0) }), "97 bytes of hashes for 3 pieces"},
		{"too long", make([]byte, MaxEncoded+1), "524305 bytes, want 16 to 524304"},
	} {
		_, err := Decode(hashOf(c.encoded), c.encoded)
		if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	if _, err := Decode(ID{1}, m.Encode()); err == nil || !strings.Contains(err.Error(), "hash is ") {
		t.Errorf("other id: %v", err)
	}
}

func hashOf(encoded []byte) ID { return sha256.Sum256(encoded) }

func FuzzDecode(f *testing.F) {
	f.Add([]byte{})
	f.Add(Of(nil).Encode())
	f.Add(Of([]byte("hello")).Encode())
	f.Add(Of(make([]byte, 2*MinPiece+1)).Encode())
	f.Add([]byte("AHB\x01\x00\x00\x00\x10\x00\x00\x00\x00\x00\x40\x00\x00"))
	f.Fuzz(func(t *testing.T, encoded []byte) {
		m, err := Decode(hashOf(encoded), encoded)
		if err != nil {
			return
		}
		if !bytes.Equal(m.Encode(), encoded) {
			t.Errorf("accepted an encoding that is not canonical: %x", encoded)
		}
		if first, end := m.Covering(0, -1); first != 0 || end != len(m.Pieces) || end > MaxPieces {
			t.Errorf("whole blob is [%d,%d) of %d pieces", first, end, len(m.Pieces))
		}
	})
}
