package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// connectTime is how long a coordinator may take until it answers for the first time.
const connectTime = 3 * time.Second

var (
	// errSilent: a coordinator that is connected does not answer.
	errSilent = errors.New("session: the coordinator does not answer")
	// errLeaderless: a coordinator answers, and no leader does.
	errLeaderless = status.Error(codes.Unavailable, "the coordinators have no leader at the moment")
)

// attending is a session with one coordinator.
type attending struct {
	*Session
	link   *link
	stream anthillv1.SessionService_AttendClient

	sent    uint64 // messages
	blobs   [][]byte
	waiting map[uint64][]chan struct{} // until the leader has heard a message
	unheard time.Time                  // when the first message without an answer was sent; zero: all have one
	settled bool                       // it has answered
	aside   sync.WaitGroup
}

// attend has the session with a coordinator, until one of them ends it.
func (s *Session) attend(ctx context.Context, l *link) error {
	ctx, cancel := context.WithCancel(ctx)
	a := &attending{Session: s, link: l, waiting: map[uint64][]chan struct{}{}}
	a.mu.Lock()
	for done := range a.heard {
		a.heard[done] = false // no answer came from the one before
	}
	a.mu.Unlock()
	defer a.aside.Wait()
	defer cancel()
	late := time.AfterFunc(connectTime, cancel)
	stream, err := anthillv1.NewSessionServiceClient(l.conn).Attend(ctx)
	if err != nil || !late.Stop() {
		return errors.Join(err, ctx.Err())
	}
	a.stream = stream
	err = a.talk(ctx)
	if status.Code(err) == codes.Unimplemented {
		return a.beatBare(ctx)
	}
	return err
}

// talk speaks and listens.
func (a *attending) talk(ctx context.Context) error {
	heard, failed := make(chan *anthillv1.AttendResponse), make(chan error, 1)
	a.aside.Go(func() { a.listen(ctx, heard, failed) })
	beat, silence := time.NewTimer(0), time.NewTimer(connectTime)
	defer beat.Stop()
	defer silence.Stop()
	for {
		select {
		case <-beat.C:
		case <-a.hurry:
		case m := <-heard:
			a.hear(ctx, m)
			silence.Reset(a.limit())
			continue
		case <-silence.C:
			if !a.unheard.IsZero() {
				return fmt.Errorf("%w: for %v", errSilent, time.Since(a.unheard).Round(time.Millisecond))
			}
			continue
		case err := <-failed:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := a.speak(); err != nil {
			return a.whyEnded(failed, err)
		}
		beat.Reset(a.cfg.Every())
		silence.Reset(a.limit())
	}
}

// whyEnded is what the coordinator said: sending finds out only that it did.
func (a *attending) whyEnded(failed <-chan error, err error) error {
	select {
	case said := <-failed:
		return said
	case <-time.After(time.Second):
		return err
	}
}

// limit is for how long the coordinator may still be silent.
func (a *attending) limit() time.Duration {
	if a.unheard.IsZero() {
		return time.Hour
	}
	span := connectTime
	if a.settled {
		a.mu.Lock()
		span = a.patience.span(time.Now())
		a.mu.Unlock()
	}
	return max(0, time.Until(a.unheard.Add(span)))
}

func (a *attending) listen(ctx context.Context, heard chan<- *anthillv1.AttendResponse, failed chan<- error) {
	for {
		m, err := a.stream.Recv()
		if err != nil {
			failed <- err
			return
		}
		select {
		case heard <- m:
		case <-ctx.Done():
			return
		}
	}
}

func (a *attending) speak() error {
	a.sent++
	m := &anthillv1.AttendRequest{Number: a.sent}
	if a.sent == 1 {
		m.Hello = &anthillv1.Hello{Address: a.cfg.Address, Version: a.cfg.Version, Revision: a.revision()}
	}
	if a.cfg.Beat != nil {
		m.Beat = a.cfg.Beat()
		blobs := m.Beat.GetBlobs()
		if m.SameBlobs = a.sent > 1 && slices.EqualFunc(blobs, a.blobs, slices.Equal); m.GetSameBlobs() {
			m.Beat.Blobs = nil
		}
		a.blobs = blobs
	}
	a.mu.Lock()
	for done, sent := range a.heard {
		if !sent {
			a.heard[done] = true
			a.waiting[a.sent] = append(a.waiting[a.sent], done)
		}
	}
	a.mu.Unlock()
	if a.unheard.IsZero() {
		a.unheard = time.Now()
	}
	return a.stream.Send(m)
}

func (a *attending) hear(ctx context.Context, m *anthillv1.AttendResponse) {
	if host := m.GetYourHost(); host != "" {
		a.mu.Lock()
		a.host = host
		a.mu.Unlock()
	}
	if answer := m.GetAnswer(); answer != nil {
		a.answered(ctx, answer)
	}
	if news := m.GetNews(); news != nil {
		a.learn(news)
	}
	if signal := m.GetSignal(); signal != nil {
		a.mu.Lock()
		f := a.onSignal
		a.mu.Unlock()
		if f != nil {
			f(Signal{From: jobs.NodeID(signal.GetFrom()), FromHost: signal.GetFromHost(), FromDialable: signal.GetFromDialable(), Payload: signal.GetPayload()})
		}
	}
}

func (a *attending) answered(ctx context.Context, answer *anthillv1.Answer) {
	if answer.GetNumber() >= a.sent {
		a.unheard = time.Time{}
	}
	if !a.settled {
		a.settled = true
		a.mu.Lock()
		a.home = a.link
		delete(a.resting, a.link.address)
		a.mu.Unlock()
		a.aside.Go(func() { a.keepReserve(ctx, a.link) })
	}
	if a.cfg.Beat == nil {
		a.release(answer.GetNumber())
		return
	}
	if answer.GetHeartbeat() == nil {
		a.cfg.Answered(nil, errLeaderless)
		return
	}
	a.release(answer.GetNumber())
	a.cfg.Answered(answer.GetHeartbeat(), nil)
}

// release wakes those whose messages were heard.
func (a *attending) release(number uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for sent, list := range a.waiting {
		if sent > number {
			continue
		}
		delete(a.waiting, sent)
		for _, done := range list {
			close(done)
			delete(a.heard, done)
		}
	}
}
