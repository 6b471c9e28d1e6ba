package wasm

// reader takes bytes apart. After the first error it stays failed and gives
// zeroes, so that callers can ask once at the end of a step.
type reader struct {
	data    []byte
	pos     int
	base    int // where data begins in the module
	section string
	err     *Error
}

func (r *reader) more() bool { return r.err == nil && r.pos < len(r.data) }

func (r *reader) fail(pos int, reason string) {
	if r.err == nil {
		r.err = &Error{Section: r.section, Offset: r.base + pos, Reason: reason}
	}
}

func (r *reader) unsupported(pos int, feature, what string) {
	if r.err == nil {
		r.err = &Error{Section: r.section, Offset: r.base + pos, Feature: feature, Reason: what}
	}
}

func (r *reader) byte() byte {
	if r.err != nil || r.pos >= len(r.data) {
		r.fail(len(r.data), "cut short")
		return 0
	}
	b := r.data[r.pos]
	r.pos++
	return b
}

func (r *reader) bytes(n uint32) []byte {
	if r.err != nil || int64(n) > int64(len(r.data)-r.pos) {
		r.fail(r.pos, "cut short")
		return nil
	}
	end := r.pos + int(n)
	out := r.data[r.pos:end:end]
	r.pos = end
	return out
}

// u32 reads an unsigned LEB128 of at most 32 bits and 5 bytes.
func (r *reader) u32() uint32 {
	if r.err == nil && r.pos < len(r.data) && r.data[r.pos] < 0x80 {
		r.pos++
		return uint32(r.data[r.pos-1])
	}
	return r.u32Slow()
}

func (r *reader) u32Slow() uint32 {
	start := r.pos
	var v uint64
	for shift := 0; shift < 35; shift += 7 {
		b := r.byte()
		v |= uint64(b&0x7f) << shift
		if b >= 0x80 {
			continue
		}
		if v > 0xffffffff {
			break
		}
		return uint32(v)
	}
	r.fail(start, "number of more than 32 bits")
	return 0
}

// signed reads a signed LEB128 of a number of bits: 32, 33 or 64.
func (r *reader) signed(bits uint) int64 {
	start := r.pos
	var v int64
	for shift := uint(0); shift < bits; shift += 7 {
		b := r.byte()
		v |= int64(b&0x7f) << shift
		if b >= 0x80 {
			continue
		}
		if shift+7 >= bits {
			// The last byte must hold copies of the sign above the bits.
			unused := int8(b<<1) >> 1 >> (bits - shift - 1)
			if unused != 0 && unused != -1 {
				break
			}
		}
		unset := 64 - min(64, shift+7)
		return v << unset >> unset
	}
	r.fail(start, "signed number that is too large")
	return 0
}

// end reports the first error, or bytes that are left.
func (r *reader) end() error {
	if r.err == nil && r.pos < len(r.data) {
		r.fail(r.pos, "has bytes left at its end")
	}
	if r.err != nil {
		return r.err
	}
	return nil
}
