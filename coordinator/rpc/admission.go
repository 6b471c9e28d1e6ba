package rpc

import (
	"context"
	"sync"

	"google.golang.org/grpc/tap"

	"github.com/anthill-grid/anthill/jobs"
)

// maxInFlight bounds the calls that one node may have under way at a coordinator,
// and so the memory that it can make messages take. Coordinators forward the calls
// of many.
const maxInFlight = 256

// admit decides on a call when its method and its caller are known, and nothing of its
// message has been read: gRPC reads and decodes a message before it asks an
// interceptor, so one who may not call could have us hold it. The context that it
// returns knows the caller.
func (s *Server) admit(ctx context.Context, call *tap.Info) (context.Context, error) {
	ctx, err := s.authorize(ctx, call.FullMethodName)
	if err != nil {
		return nil, err
	}
	c := callerFrom(ctx)
	if c.forwarded || c.Role == jobs.Coordinator {
		return ctx, nil
	}
	if !s.inFlight.enter(c.Node) {
		return nil, tooManyCalls(c.Node)
	}
	context.AfterFunc(ctx, func() { s.inFlight.leave(c.Node) })
	return ctx, nil
}

// inFlight counts the calls under way by their callers. The zero value counts none.
type inFlight struct {
	mu    sync.Mutex
	calls map[jobs.NodeID]int
}

func (f *inFlight) enter(node jobs.NodeID) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.calls[node] >= maxInFlight {
		return false
	}
	if f.calls == nil {
		f.calls = map[jobs.NodeID]int{}
	}
	f.calls[node]++
	return true
}

func (f *inFlight) leave(node jobs.NodeID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.calls[node]--; f.calls[node] == 0 {
		delete(f.calls, node)
	}
}
