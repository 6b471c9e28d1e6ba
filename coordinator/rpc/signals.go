package rpc

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/anthill-grid/anthill/coordinator/replica"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

const (
	// maxSignal bounds the bytes of a signal.
	maxSignal = 4 << 10
	// signalRate is how many signals a node may send a second, signalBurst how many at
	// once: a worker meets some dozens of peers when a job begins.
	signalRate  = 20
	signalBurst = 64
	// deliverTime bounds the asking of other coordinators.
	deliverTime = 2 * time.Second
)

// bucket lets a node send so many signals. It is guarded by its session's mu.
type bucket struct {
	left float64
	at   time.Time
}

func newBucket() bucket { return bucket{left: signalBurst} }

func (b *bucket) take(now time.Time) bool {
	if !b.at.IsZero() {
		b.left = min(signalBurst, b.left+now.Sub(b.at).Seconds()*signalRate)
	}
	b.at = now
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}

// Signal implements SessionService. Who has no session here has no rate to be held to.
func (s *Server) Signal(ctx context.Context, req *anthillv1.SignalRequest) (*anthillv1.SignalResponse, error) {
	if n := len(req.GetPayload()); n > maxSignal {
		return nil, jobs.InvalidField("payload", "%d bytes are too many, at most %d", n, maxSignal)
	}
	from := callerFrom(ctx).Node
	x := s.sessions.of(from)
	if x == nil {
		return nil, noSession(from)
	}
	x.mu.Lock()
	may := x.signals.take(time.Now())
	x.mu.Unlock()
	if !may {
		return nil, tooManySignals(from)
	}
	return &anthillv1.SignalResponse{}, s.route(ctx, from, jobs.NodeID(req.GetTo()), req.GetPayload())
}

// Send sends a signal of this coordinator's own.
func (s *Server) Send(ctx context.Context, to jobs.NodeID, payload []byte) error {
	if n := len(payload); n > maxSignal {
		return jobs.InvalidField("payload", "%d bytes are too many, at most %d", n, maxSignal)
	}
	return s.route(ctx, s.cfg.Node, to, payload)
}

// route gives a signal to a node here, or at the coordinator that has it.
func (s *Server) route(ctx context.Context, from, to jobs.NodeID, payload []byte) error {
	m := &anthillv1.DeliverRequest{From: string(from), To: string(to), Payload: payload}
	resp := s.deliver(m)
	if !resp.GetHere() {
		resp = s.askOthers(ctx, m)
	}
	switch {
	case !resp.GetHere():
		return notAttending(to)
	case resp.GetFull():
		return signalsFull(to)
	}
	return nil
}

// Deliver implements CoordinatorService.
func (s *Server) Deliver(_ context.Context, m *anthillv1.DeliverRequest) (*anthillv1.DeliverResponse, error) {
	return s.deliver(m), nil
}

func (s *Server) deliver(m *anthillv1.DeliverRequest) *anthillv1.DeliverResponse {
	if to := jobs.NodeID(m.GetTo()); to == s.cfg.Node && s.cfg.Signalled != nil {
		s.cfg.Signalled(jobs.NodeID(m.GetFrom()), m.GetPayload())
		return &anthillv1.DeliverResponse{Here: true}
	}
	x := s.sessions.of(jobs.NodeID(m.GetTo()))
	if x == nil {
		return &anthillv1.DeliverResponse{}
	}
	took := x.signal(&anthillv1.IncomingSignal{From: m.GetFrom(), Payload: m.GetPayload()})
	return &anthillv1.DeliverResponse{Here: true, Full: !took}
}

// askOthers asks all other coordinators at once: there are few of them, and a table of
// who is where would be wrong when it matters.
func (s *Server) askOthers(ctx context.Context, m *anthillv1.DeliverRequest) (answer *anthillv1.DeliverResponse) {
	ctx, cancel := context.WithTimeout(ctx, deliverTime)
	defer cancel()
	var mu sync.Mutex
	var asked sync.WaitGroup
	for _, v := range s.cfg.Replica.Voters() {
		if v.Node == s.cfg.Node {
			continue
		}
		asked.Go(func() {
			resp, err := s.askOther(ctx, v, m)
			if err != nil && !errors.Is(ctx.Err(), context.Canceled) {
				s.cfg.Logger.Debug("failed to pass a signal on", "coordinator", v.Node.Short(), "error", err)
			}
			if resp.GetHere() {
				mu.Lock()
				defer mu.Unlock()
				answer = resp
				cancel() // no need to wait for the others
			}
		})
	}
	asked.Wait()
	return answer
}

func (s *Server) askOther(ctx context.Context, v replica.Voter, m *anthillv1.DeliverRequest) (*anthillv1.DeliverResponse, error) {
	conn, err := s.cfg.DialCoordinator(v.Address)
	if err != nil {
		return nil, err
	}
	return anthillv1.NewCoordinatorServiceClient(conn).Deliver(ctx, m)
}
