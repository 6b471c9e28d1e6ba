package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/anthill-grid/anthill/internal/identity"
)

const submitMethod = "/anthill.v1.JobService/SubmitJob"

// attacker speaks HTTP/2 as no gRPC client would.
type attacker struct {
	net.Conn
	frames *http2.Framer
	head   bytes.Buffer
	pack   *hpack.Encoder
}

// attack connects as a node, or as a stranger without a certificate.
func (b *bench) attack(ctx context.Context, id *identity.Identity) (*attacker, error) {
	config := (*tls.Config)(nil)
	if id != nil {
		config = id.ClientTLS(nil, identity.ProtoGRPC)
	} else {
		key, err := identity.NewKey()
		if err != nil {
			return nil, err
		}
		if config, err = identity.EnrolTLS(key, b.eve.Fingerprints(), identity.ProtoGRPC); err != nil {
			return nil, err
		}
	}
	conn, err := (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", b.leader)
	if err != nil {
		return nil, err
	}
	_ = conn.SetWriteDeadline(time.Now().Add(10 * time.Second))
	a := &attacker{Conn: conn, frames: http2.NewFramer(conn, conn)}
	a.pack = hpack.NewEncoder(&a.head)
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		return nil, err
	}
	go func() { _, _ = io.Copy(io.Discard, conn) }() // or the answers would stop it
	return a, a.frames.WriteSettings()
}

// call begins a call that it does not end, with so many copies of a header.
func (a *attacker) call(stream uint32, headers int) error {
	a.head.Reset()
	for _, f := range [][2]string{{":method", "POST"}, {":scheme", "https"}, {":path", submitMethod}, {":authority", "x"}, {"content-type", "application/grpc"}, {"te", "trailers"}} {
		_ = a.pack.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]}) // into memory
	}
	for range headers {
		_ = a.pack.WriteField(hpack.HeaderField{Name: "x-bin", Value: string(bytes.Repeat([]byte("A"), 2000))})
	}
	const most = 16 << 10
	rest := a.head.Bytes()
	part := rest[:min(most, len(rest))]
	rest = rest[len(part):]
	err := a.frames.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: part, EndHeaders: len(rest) == 0})
	for len(rest) > 0 && err == nil {
		part = rest[:min(most, len(rest))]
		rest = rest[len(part):]
		err = a.frames.WriteContinuation(stream, len(rest) == 0, part)
	}
	return err
}

// headers sends little that unpacks to much.
func (b *bench) headers(ctx context.Context) {
	for range 4 {
		if a, err := b.attack(ctx, b.eve); err == nil {
			defer a.Close()
			for i := range 40 {
				if a.call(uint32(2*i+1), 4000) != nil {
					break // it hung up
				}
			}
		}
	}
	time.Sleep(time.Second)
}

// unfinished begins messages and does not end them, as one who may send them, and as one
// who may not. Who is hung up on comes back, and goes on.
func (b *bench) unfinished(ctx context.Context) {
	part := append([]byte{0, 1, 0, 0, 0}, make([]byte, 16<<10-5)...)
	for _, id := range []*identity.Identity{nil, b.eve} {
		var a *attacker
		for i := range 40 {
			if a == nil {
				var err error
				if a, err = b.attack(ctx, id); err != nil {
					continue
				}
				defer a.Close()
			}
			stream := uint32(2*i + 1)
			err := a.call(stream, 0)
			for n := 0; n < 400 && err == nil; n++ { // six megabytes of sixteen that were announced
				_ = a.SetWriteDeadline(time.Now().Add(2 * time.Second))
				err = a.frames.WriteData(stream, false, part)
			}
			if err != nil {
				a = nil
			}
		}
	}
	time.Sleep(time.Second)
}

// crowd connects many times, and says nothing.
func (b *bench) crowd(ctx context.Context, id *identity.Identity, many int) {
	var mu sync.Mutex
	var conns []net.Conn
	var dialling sync.WaitGroup
	turns := make(chan struct{}, 16)
	for range many {
		turns <- struct{}{}
		dialling.Go(func() {
			defer func() { <-turns }()
			if a, err := b.attack(ctx, id); err == nil {
				mu.Lock()
				defer mu.Unlock()
				conns = append(conns, a)
			}
		})
	}
	dialling.Wait()
	time.Sleep(time.Second)
	for _, c := range conns {
		_ = c.Close()
	}
}
