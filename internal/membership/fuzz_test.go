package membership

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/jobs"
)

// listener is a member that a fuzzer talks to, as another member would: a panic in one of
// memberlist's or serf's goroutines ends the test's process.
func listener(f *testing.F) *Transport {
	f.Helper()
	t := NewTransport("127.0.0.1:1", func(context.Context, string, jobs.NodeID) (*tls.Conn, error) {
		return nil, errors.New("nobody answers")
	})
	m, err := New(Config{Node: nodeID(0), Role: jobs.Coordinator, Transport: t})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = m.Shutdown() })
	return t
}

// say writes to a member from another one, and waits until it has been read.
func say(t *Transport, from string, kind byte, data []byte) {
	here, there := net.Pipe()
	t.Take(there, jobs.NodeID(from))
	_ = here.SetDeadline(time.Now().Add(time.Second))
	go func() {
		var buf [512]byte
		for {
			if _, err := here.Read(buf[:]); err != nil {
				return // what it answers is of no interest
			}
		}
	}()
	if _, err := here.Write([]byte{kind}); err == nil {
		_, _ = here.Write(data)
	}
	_ = here.Close()
}

// kinds are memberlist's types of messages, and more.
const kinds = 20

func FuzzPackets(f *testing.F) {
	for kind := range byte(kinds) {
		f.Add(append([]byte{kind}, 0x82, 0xa5, 'S', 'e', 'q', 'N', 'o', 1, 0xa4, 'N', 'o', 'd', 'e', 0xa1, 'x'))
		f.Add(append([]byte{kind}, 0xff, 0xff, 0xff, 0xff, 0xff))
		f.Add([]byte{kind})
	}
	f.Add([]byte{7, 255, 0, 1, 0, 2, 0, 3}) // a compound that ends early
	f.Add([]byte{8, 1, 2, 3, 0x84, 0xa4, 'N', 'a', 'm', 'e', 0xa1, 'x'})
	f.Add([]byte{12, 0, 0, 0, 0}) // with a checksum
	f.Add([]byte{8, 6, 0x81})     // serf's, in memberlist's user message
	t := listener(f)
	f.Fuzz(func(_ *testing.T, packet []byte) {
		if len(packet) > 1<<16-1 {
			return
		}
		say(t, "p", kindPackets, append(binary.BigEndian.AppendUint16(nil, uint16(len(packet))), packet...))
	})
}

func FuzzStreams(f *testing.F) {
	for kind := range byte(kinds) {
		f.Add(append([]byte{kind}, 0x83, 0xa5, 'N', 'o', 'd', 'e', 's', 1, 0xac, 'U', 's', 'e', 'r', 'S', 't', 'a', 't', 'e', 'L', 'e', 'n', 0xff, 0xa4, 'J', 'o', 'i', 'n', 0xc3))
		f.Add(append([]byte{kind}, 0xdf, 0xff, 0xff, 0xff, 0xff))
	}
	f.Add([]byte{244, 3, 'x', 'y', 'z', 6})             // with a label
	f.Add([]byte{9, 0x82, 0xa4, 'A', 'l', 'g', 'o', 0}) // compressed
	f.Add([]byte{10, 0xff, 0xff, 0xff, 0xff, 0, 1, 2})  // encrypted
	t := listener(f)
	f.Fuzz(func(_ *testing.T, data []byte) { say(t, "s", kindStream, data) })
}

// TestOneMemberHasFewConnections: each may carry much.
func TestOneMemberHasFewConnections(t *testing.T) {
	p := NewTransport("127.0.0.1:1", nil)
	t.Cleanup(func() { _ = p.Shutdown() })
	var ends []net.Conn
	shut := 0
	for range 2 * maxTaken {
		here, there := net.Pipe()
		ends = append(ends, here)
		p.Take(there, "greedy")
		_ = here.SetDeadline(time.Now().Add(100 * time.Millisecond))
		if _, err := here.Write([]byte{kindPackets}); err != nil {
			shut++
		}
	}
	if shut != maxTaken {
		t.Errorf("%d of %d were closed", shut, 2*maxTaken)
	}
	for _, c := range ends {
		_ = c.Close()
	}
	eventually(t, "its places are free", func() bool {
		p.counting.Lock()
		defer p.counting.Unlock()
		return len(p.taken) == 0
	})
}
