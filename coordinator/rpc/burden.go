package rpc

import (
	"context"
	"errors"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/anthill-grid/anthill/jobs"
)

const (
	// maxBurden is how many bytes of messages a coordinator holds of one node: those that
	// are not whole yet, and those whose calls are under way. A worker's batch of reports
	// has one million, and had four in earlier releases.
	maxBurden = 8 << 20
	// maxBurdenInAll is how many it holds of all nodes. Who has most of them is hung up on
	// when there are more, so that those who send little never notice.
	maxBurdenInAll = 32 << 20
)

var errBurden = errors.New("this node has more bytes of messages under way than it may")

// burden counts the bytes of messages that a coordinator holds, of whom. The zero value
// counts none.
type burden struct {
	mu    sync.Mutex
	nodes map[jobs.NodeID]*holding
	all   int
}

// holding is what is held of one node.
type holding struct {
	bytes int
	conns map[*enteredConn]int // of them, those of messages that are not whole
	cut   bool                 // it counts no more
}

// join notes a connection of a node.
func (b *burden) join(node jobs.NodeID, c *enteredConn) *holding {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.nodes == nil {
		b.nodes = map[jobs.NodeID]*holding{}
	}
	of := b.nodes[node]
	if of == nil {
		of = &holding{conns: map[*enteredConn]int{}}
		b.nodes[node] = of
	}
	of.conns[c] = 0
	return of
}

// leave forgets a connection.
func (b *burden) leave(node jobs.NodeID, of *holding, c *enteredConn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.add(of, -of.conns[c])
	delete(of.conns, c)
	if len(of.conns) == 0 && b.nodes[node] == of {
		b.cut(node, of) // handlers that still run have nobody to answer
	}
}

// arrive counts n more bytes of messages that are not whole, fewer if n is negative; false:
// the node has as many as it may.
func (b *burden) arrive(of *holding, c *enteredConn, n int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, open := of.conns[c]; !open || n > 0 && of.bytes+n > maxBurden {
		return false
	}
	of.conns[c] += n
	b.add(of, n)
	return true
}

// keep counts n bytes of a message while its call is under way, until it is let go.
func (b *burden) keep(of *holding, n int) (letGo func(), ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if of.bytes+n > maxBurden {
		return nil, false
	}
	b.add(of, n)
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.add(of, -n)
	}, true
}

func (b *burden) add(of *holding, n int) {
	of.bytes += n
	if of.cut {
		return
	}
	if b.all += n; n > 0 && b.all > maxBurdenInAll {
		b.hangUpOnBiggest()
	}
}

func (b *burden) hangUpOnBiggest() {
	var node jobs.NodeID
	var most *holding
	for id, of := range b.nodes {
		if most == nil || of.bytes > most.bytes {
			node, most = id, of
		}
	}
	for c := range most.conns {
		go func() { _ = c.Close() }() // it leaves; its server notices
	}
	b.cut(node, most)
}

// cut counts a node's bytes no more: they are about to go.
func (b *burden) cut(node jobs.NodeID, of *holding) {
	of.cut = true
	b.all -= of.bytes
	delete(b.nodes, node)
}

// of is what is held of a node; nil: it has no connection.
func (b *burden) of(node jobs.NodeID) *holding {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.nodes[node]
}

// heldStream counts the last message that a handler took of a call.
type heldStream struct {
	grpc.ServerStream
	burden *burden
	of     *holding

	mu    sync.Mutex
	letGo func() // nil: there is no message
	ended bool
}

// RecvMsg implements grpc.ServerStream.
func (s *heldStream) RecvMsg(m any) error {
	if err := s.ServerStream.RecvMsg(m); err != nil {
		return err
	}
	if !s.hold(sizeOf(m)) {
		return tooManyBytes(callerFrom(s.Context()).Node)
	}
	return nil
}

// hold counts a message instead of the one before.
func (s *heldStream) hold(n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop()
	if s.ended {
		return true
	}
	letGo, ok := s.burden.keep(s.of, n)
	s.letGo = letGo
	return ok
}

// end is for when the handler is done; it may have left somebody who still receives.
func (s *heldStream) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	s.drop()
}

func (s *heldStream) drop() {
	if s.letGo != nil {
		s.letGo()
		s.letGo = nil
	}
}

func sizeOf(m any) int {
	message, ok := m.(proto.Message)
	if !ok {
		return 0
	}
	return proto.Size(message)
}

// holdingOf is what counts a call's messages; nil: nothing does, since a coordinator made it.
func (s *Server) holdingOf(ctx context.Context) *holding {
	c := callerFrom(ctx)
	if c.forwarded || c.Role == jobs.Coordinator {
		return nil
	}
	return s.burden.of(c.Node)
}
