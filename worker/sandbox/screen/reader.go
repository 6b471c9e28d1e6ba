package screen

import "fmt"

// reader takes a section apart. Once something is missing it stays failed and
// gives zeroes, so that callers ask once at the end.
type reader struct {
	rest   []byte
	failed bool
}

func (r *reader) byte() byte {
	if b := r.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) bytes(n uint32) []byte {
	if r.failed || int64(n) > int64(len(r.rest)) {
		r.failed = true
		return nil
	}
	out := r.rest[:n:n]
	r.rest = r.rest[n:]
	return out
}

// u32 reads an unsigned LEB128 of at most 5 bytes.
func (r *reader) u32() uint32 {
	var v uint64
	for shift := 0; shift < 35; shift += 7 {
		b := r.byte()
		v |= uint64(b&0x7f) << shift
		if b&0x80 == 0 {
			if v > 0xffffffff {
				r.failed = true
			}
			return uint32(v)
		}
	}
	r.failed = true
	return 0
}

// end reports a section that was too short or had bytes left.
func (r *reader) end(section string) error {
	if r.failed {
		return malformed(section + " cut short")
	}
	if len(r.rest) > 0 {
		return malformed(fmt.Sprintf("%s with %d bytes too many", section, len(r.rest)))
	}
	return nil
}
