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
	from := callerFrom(ctx)
	own := s.sessions.of(from.Node)
	if len(own) == 0 {
		return nil, noSession(from.Node)
	}
	x := own[0] // of all, if there are several
	x.mu.Lock()
	may := x.signals.take(time.Now())
	x.mu.Unlock()
	if !may {
		return nil, tooManySignals(from.Node)
	}
	return &anthillv1.SignalResponse{}, s.route(ctx, &anthillv1.DeliverRequest{From: string(from.Node), FromHost: from.host, FromDialable: s.whereabouts.all(from.Node, time.Now()), To: req.GetTo(), Payload: req.GetPayload()})
}

// Send sends a signal of this coordinator's own.
func (s *Server) Send(ctx context.Context, to jobs.NodeID, payload []byte) error {
	if n := len(payload); n > maxSignal {
		return jobs.InvalidField("payload", "%d bytes are too many, at most %d", n, maxSignal)
	}
	return s.route(ctx, &anthillv1.DeliverRequest{From: string(s.cfg.Node), To: string(to), Payload: payload})
}

// route gives a signal to a node here, or at the coordinator that has it. A user may have
// sessions with several.
func (s *Server) route(ctx context.Context, m *anthillv1.DeliverRequest) error {
	to := jobs.NodeID(m.GetTo())
	var several bool
	s.cfg.Replica.View(func(st *jobs.State) { several = st.Nodes[to] != nil && st.Nodes[to].Role > jobs.Worker })
	resp := s.deliver(m)
	if !resp.GetHere() || several {
		if other := s.askOthers(ctx, m, several); !resp.GetHere() {
			resp = other
		}
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
	signal := &anthillv1.IncomingSignal{From: m.GetFrom(), FromHost: m.GetFromHost(), FromDialable: m.GetFromDialable(), Payload: m.GetPayload()}
	if to := jobs.NodeID(m.GetTo()); to == s.cfg.Node && s.cfg.Signalled != nil {
		s.cfg.Signalled(signal)
		return &anthillv1.DeliverResponse{Here: true}
	}
	resp := &anthillv1.DeliverResponse{}
	for _, x := range s.sessions.of(jobs.NodeID(m.GetTo())) {
		took := x.signal(signal)
		resp.Here, resp.Full = true, resp.GetFull() || !took
	}
	return resp
}

// askOthers asks all other coordinators at once: there are few of them, and a table of
// who is where would be wrong when it matters. Where it is with one alone, the others are
// not waited for.
func (s *Server) askOthers(ctx context.Context, m *anthillv1.DeliverRequest, several bool) (answer *anthillv1.DeliverResponse) {
	ctx, cancel := context.WithTimeout(ctx, deliverTime)
	defer cancel()
	var mu sync.Mutex
	var asked sync.WaitGroup
	for _, v := range s.cfg.Replica.Servers() {
		if v.Node == s.cfg.Node {
			continue
		}
		asked.Go(func() {
			resp, err := s.askOther(ctx, v.Voter, m)
			if err != nil && !errors.Is(ctx.Err(), context.Canceled) {
				s.cfg.Logger.Debug("failed to pass a signal on", "coordinator", v.Node.Short(), "error", err)
			}
			if resp.GetHere() {
				mu.Lock()
				defer mu.Unlock()
				answer = resp
				if !several {
					cancel()
				}
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
