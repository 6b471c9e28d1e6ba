package rpc

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/anthill-grid/anthill/coordinator/desk"
	"github.com/anthill-grid/anthill/internal/gridconn"
	"github.com/anthill-grid/anthill/internal/wire"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

const (
	// gatherBeats is how long the beats of sessions are collected, so that many are one
	// call to the leader.
	gatherBeats = 100 * time.Millisecond
	// beatPatience is how long the leader is waited for until a node hears that it was
	// heard, all the same. Nodes take a coordinator that says nothing for gone.
	beatPatience = 300 * time.Millisecond
	// maxBeats is how many beats go in one call.
	maxBeats = 256
)

// beats collects what workers say in their sessions, for the leader. Of each worker it
// keeps the last that was not sent.
type beats struct {
	mu      sync.Mutex
	waiting map[jobs.NodeID]*heardBeat
	flying  []*heardBeat // in the call that is under way
}

type heardBeat struct {
	from     *attendee
	number   uint64
	beat     *anthillv1.HeartbeatRequest
	at       time.Time
	answered bool
}

func newBeats() *beats { return &beats{waiting: map[jobs.NodeID]*heardBeat{}} }

func (b *beats) take(x *attendee, number uint64, beat *anthillv1.HeartbeatRequest) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting[x.node] = &heardBeat{from: x, number: number, beat: beat, at: time.Now()}
}

// fly takes some of those that wait, unless a call is under way.
func (b *beats) fly() []*heardBeat {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.flying != nil {
		return nil
	}
	for id, h := range b.waiting {
		if len(b.flying) == maxBeats {
			break
		}
		b.flying = append(b.flying, h)
		delete(b.waiting, id)
	}
	return b.flying
}

// landed answers those of the call that was under way.
func (b *beats) landed(answers []*anthillv1.HeartbeatResponse) {
	b.mu.Lock()
	list := b.flying
	b.flying = nil
	b.mu.Unlock()
	for i, h := range list {
		if i < len(answers) && answers[i] != nil {
			h.from.answer(h.number, answers[i])
		} else if !h.answered {
			h.from.answer(h.number, nil)
		}
	}
}

// comfort answers those that have waited for long.
func (b *beats) comfort(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	say := func(h *heardBeat) {
		if !h.answered && now.Sub(h.at) >= beatPatience {
			h.answered = true
			h.from.answer(h.number, nil)
		}
	}
	for _, h := range b.waiting {
		say(h)
	}
	for _, h := range b.flying {
		say(h)
	}
}

// forwardBeats sends beats on to the leader: one call at a time, so that a worker's come
// in their order.
func (s *Server) forwardBeats(ctx context.Context) {
	ticker := time.NewTicker(gatherBeats)
	defer ticker.Stop()
	var calls sync.WaitGroup
	defer calls.Wait()
	for {
		select {
		case now := <-ticker.C:
			s.beats.comfort(now)
		case <-ctx.Done():
			return
		}
		if list := s.beats.fly(); list != nil {
			calls.Go(func() { s.sendBeats(ctx, list) })
		}
	}
}

// sendBeats goes on while there are more than one call takes.
func (s *Server) sendBeats(ctx context.Context, list []*heardBeat) {
	for full := true; full; list = s.beats.fly() {
		if list == nil {
			return
		}
		full = len(list) == maxBeats
		answers, err := s.askLeader(ctx, list)
		if err != nil {
			s.cfg.Logger.Debug("failed to tell the leader of workers", "workers", len(list), "error", err)
		}
		s.beats.landed(answers)
	}
}

func (s *Server) askLeader(ctx context.Context, list []*heardBeat) ([]*anthillv1.HeartbeatResponse, error) {
	req := &anthillv1.BeatRequest{}
	for _, h := range list {
		req.Beats = append(req.Beats, &anthillv1.NodeBeat{NodeId: string(h.from.node), Beat: h.beat})
	}
	if s.cfg.Desk.Leading() {
		resp, err := s.Beat(ctx, req)
		return resp.GetAnswers(), err
	}
	id, address, ok := s.cfg.Replica.Leader()
	if !ok || id == s.cfg.Node {
		return nil, desk.ErrNoLeader
	}
	leader, err := s.cfg.DialCoordinator(address)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	resp, err := anthillv1.NewCoordinatorServiceClient(leader).Beat(ctx, req)
	if status.Code(err) == codes.Unimplemented {
		return forwardEach(ctx, leader, list), nil
	}
	return resp.GetAnswers(), err
}

// forwardEach is for a leader of a release that does not know Beat, while the coordinators
// are brought to a newer one.
func forwardEach(ctx context.Context, leader *gridconn.Conn, list []*heardBeat) []*anthillv1.HeartbeatResponse {
	answers := make([]*anthillv1.HeartbeatResponse, len(list))
	var calls errgroup.Group
	calls.SetLimit(16)
	for i, h := range list {
		calls.Go(func() error {
			ctx := metadata.AppendToOutgoingContext(ctx, forwardedFor, h.from.caller.encode())
			resp, err := anthillv1.NewWorkServiceClient(leader).Heartbeat(ctx, h.beat)
			if err == nil {
				answers[i] = resp
			}
			return nil
		})
	}
	_ = calls.Wait() // those without an answer are said to be without a leader
	return answers
}

// Beat implements CoordinatorService.
func (s *Server) Beat(_ context.Context, req *anthillv1.BeatRequest) (*anthillv1.BeatResponse, error) {
	resp := &anthillv1.BeatResponse{}
	for _, m := range req.GetBeats() {
		answer, err := s.noteBeat(jobs.NodeID(m.GetNodeId()), m.GetBeat())
		if err != nil {
			return nil, err
		}
		resp.Answers = append(resp.Answers, answer)
	}
	return resp, nil
}

// noteBeat is what the leader says to a worker. The address must be believed already.
func (s *Server) noteBeat(node jobs.NodeID, m *anthillv1.HeartbeatRequest) (*anthillv1.HeartbeatResponse, error) {
	beat := desk.Beat{Address: m.GetAddress(), Slots: int(m.GetSlots()), Paused: m.GetPaused(), Leaving: m.GetLeaving(), Fuel: map[jobs.LeaseID]uint64{}}
	for i, id := range m.GetLeases() {
		beat.Leases = append(beat.Leases, jobs.LeaseID(id))
		if i < len(m.GetFuel()) && m.GetFuel()[i] > 0 {
			beat.Fuel[jobs.LeaseID(id)] = m.GetFuel()[i]
		}
	}
	var err error
	if beat.Blobs, err = wire.IDsFromProto("blobs", m.GetBlobs()[:min(jobs.HeartbeatBlobs, len(m.GetBlobs()))]); err != nil {
		return nil, err
	}
	if err := s.lend(node, m.GetTerms()); err != nil {
		return nil, err
	}
	void, err := s.cfg.Desk.Heartbeat(node, beat)
	if err != nil {
		return nil, err
	}
	resp := &anthillv1.HeartbeatResponse{LeaseDuration: durationpb.New(jobs.LeaseDuration)}
	s.cfg.Replica.View(func(st *jobs.State) {
		resp.Rules, resp.DenyRevision = uint32(st.Version()), st.DenyRevision
		if n := st.Nodes[node]; n != nil && st.Owners[n.Owner] != nil {
			o := st.Owners[n.Owner]
			resp.Earned = &anthillv1.Earned{Credit: o.Credit, Fuel: o.Fuel.Uint64()}
		}
	})
	for _, id := range void {
		resp.VoidLeases = append(resp.VoidLeases, uint64(id))
	}
	return resp, nil
}

// checkBeat refuses what no worker would say, before anything is kept of it. nil is not
// a beat.
func checkBeat(m *anthillv1.HeartbeatRequest) error {
	if err := checkAddress("address", m.GetAddress()); err != nil {
		return err
	}
	if n := len(m.GetLeases()); n > maxLeases {
		return jobs.InvalidField("leases", "%d are too many for one worker, at most %d", n, maxLeases)
	}
	if _, err := termsOf(m.GetTerms()); err != nil {
		return err
	}
	_, err := wire.IDsFromProto("blobs", m.GetBlobs()[:min(jobs.HeartbeatBlobs, len(m.GetBlobs()))])
	return err
}
