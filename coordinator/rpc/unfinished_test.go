package rpc

import (
	"bytes"
	"encoding/binary"
	"testing"

	"golang.org/x/net/http2"
)

// TestUnfinishedMessagesAreCounted: however they are cut into reads.
func TestUnfinishedMessagesAreCounted(t *testing.T) {
	t.Parallel()
	message := func(announced, sent int) []byte {
		m := make([]byte, 5+sent)
		binary.BigEndian.PutUint32(m[1:], uint32(announced))
		return m
	}
	for name, test := range map[string]struct {
		send func(f *http2.Framer)
		want int
	}{
		"nothing but the call": {func(f *http2.Framer) {}, 0},
		"a whole message": {func(f *http2.Framer) {
			f.WriteData(1, true, message(1000, 1000))
		}, 0},
		"a message that is not whole": {func(f *http2.Framer) {
			f.WriteData(1, false, message(1000, 400))
		}, 400 + frameCost},
		"in two frames": {func(f *http2.Framer) {
			f.WriteData(1, false, message(1000, 400))
			f.WriteData(1, false, make([]byte, 300))
		}, 700 + 2*frameCost},
		"a whole message of a call that goes on": {func(f *http2.Framer) {
			f.WriteData(1, false, message(1000, 1000))
		}, 1000 + frameCost},
		"the next one": {func(f *http2.Framer) {
			f.WriteData(1, false, append(message(1000, 1000), message(50, 20)...))
		}, 20 + frameCost},
		"two calls, one of them broken off": {func(f *http2.Framer) {
			f.WriteData(1, false, message(1000, 400))
			f.WriteData(3, false, message(1000, 10))
			f.WriteRSTStream(1, http2.ErrCodeCancel)
		}, 10 + frameCost},
		"padding, and other frames between": {func(f *http2.Framer) {
			f.WriteDataPadded(1, false, message(1000, 400), make([]byte, 100))
			f.WritePing(false, [8]byte{1})
			f.WriteWindowUpdate(0, 100)
			f.WriteDataPadded(1, false, make([]byte, 5), make([]byte, 9))
		}, 405 + 2*frameCost},
		"an end without data": {func(f *http2.Framer) {
			f.WriteData(1, false, message(1000, 1000))
			f.WriteData(1, true, nil)
		}, 0},
	} {
		var sent bytes.Buffer
		sent.WriteString(http2.ClientPreface)
		f := http2.NewFramer(&sent, nil)
		f.WriteSettings()
		f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte{0x82}, EndHeaders: true})
		test.send(f)
		for _, size := range []int{1, 3, 7, 1 << 20} {
			u := newUnfinished()
			for rest := sent.Bytes(); len(rest) > 0; rest = rest[min(size, len(rest)):] {
				u.read(rest[:min(size, len(rest))])
			}
			if u.bytes != test.want {
				t.Errorf("%s, in reads of %d: %d bytes, not %d", name, size, u.bytes, test.want)
			}
		}
	}
}
