package rpc

import (
	"encoding/binary"

	"golang.org/x/net/http2"
)

const (
	prefaceSize     = len(http2.ClientPreface)
	frameHeader     = 9
	messageHeader   = 5 // a byte that says whether it is compressed, and the length
	frameCost       = 128
	lengthInMessage = 1
)

// unfinished follows what a client sends over HTTP/2, and counts the bytes of messages
// whose calls it has not ended: gRPC gathers them before anybody is asked, and tells nobody
// how many there are. Of a stream of messages the last one counts. A frame counts for some
// bytes more than it has, so that small ones cost what they take.
type unfinished struct {
	seen    int // bytes of the preface
	head    [frameHeader]byte
	got     int // bytes of head
	left    int // bytes of the frame that are to come
	padding int // of them, those at its end
	padded  bool
	calls   map[uint32]*incoming
	bytes   int // in all
}

// incoming is the last message of a call.
type incoming struct {
	head  [messageHeader]byte
	got   int // bytes of head
	left  int // bytes of the message that are to come
	bytes int
}

func newUnfinished() *unfinished { return &unfinished{calls: map[uint32]*incoming{}} }

// read follows what came next.
func (u *unfinished) read(p []byte) {
	skip := min(prefaceSize-u.seen, len(p))
	u.seen += skip
	for p = p[skip:]; len(p) > 0; {
		if u.got < frameHeader {
			n := copy(u.head[u.got:], p)
			u.got += n
			p = p[n:]
			if u.got == frameHeader {
				u.begin()
			}
			continue
		}
		n := min(u.left, len(p))
		u.payload(p[:n])
		u.left -= n
		p = p[n:]
		if u.left == 0 {
			u.end()
		}
	}
}

func (u *unfinished) kind() http2.FrameType  { return http2.FrameType(u.head[3]) }
func (u *unfinished) has(f http2.Flags) bool { return http2.Flags(u.head[4]).Has(f) }
func (u *unfinished) stream() uint32         { return binary.BigEndian.Uint32(u.head[5:]) &^ (1 << 31) }

// begin begins a frame whose header is whole.
func (u *unfinished) begin() {
	u.left = int(binary.BigEndian.Uint32(u.head[:]) >> 8)
	u.padding = 0
	if u.kind() == http2.FrameData {
		u.padded = u.has(http2.FlagDataPadded)
		call := u.calls[u.stream()]
		if call == nil {
			call = &incoming{}
			u.calls[u.stream()] = call
		}
		u.count(call, frameCost)
	}
	if u.left == 0 {
		u.end()
	}
}

// payload follows some of a frame.
func (u *unfinished) payload(p []byte) {
	if u.kind() != http2.FrameData {
		return
	}
	left := u.left
	if u.padded {
		u.padded, u.padding = false, int(p[0])
		p, left = p[1:], left-1
	}
	if data := min(len(p), left-u.padding); data > 0 {
		u.message(u.calls[u.stream()], p[:data])
	}
}

// message follows some of a call's messages.
func (u *unfinished) message(call *incoming, p []byte) {
	for len(p) > 0 {
		if call.got == messageHeader && call.left == 0 { // another one: that before it was read
			u.count(call, frameCost-call.bytes)
			call.got = 0
		}
		if call.got < messageHeader {
			n := copy(call.head[call.got:], p)
			call.got += n
			p = p[n:]
			if call.got == messageHeader {
				call.left = int(binary.BigEndian.Uint32(call.head[lengthInMessage:]))
			}
			continue
		}
		n := min(call.left, len(p))
		call.left -= n
		u.count(call, n)
		p = p[n:]
	}
}

// end ends a frame, and with it maybe a call.
func (u *unfinished) end() {
	u.got = 0
	ended := u.kind() == http2.FrameRSTStream ||
		u.kind() == http2.FrameData && u.has(http2.FlagDataEndStream) ||
		u.kind() == http2.FrameHeaders && u.has(http2.FlagHeadersEndStream)
	if call := u.calls[u.stream()]; call != nil && ended {
		u.count(call, -call.bytes)
		delete(u.calls, u.stream())
	}
}

func (u *unfinished) count(call *incoming, n int) {
	call.bytes += n
	u.bytes += n
}
