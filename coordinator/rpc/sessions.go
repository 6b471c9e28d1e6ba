package rpc

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

const (
	// sessionSilence ends a session of which nothing was heard for so long: nodes speak
	// once a second, and one that is silent has another by now.
	sessionSilence = 6 * time.Second
	// sessionPace is how far apart a node's messages are heard: what comes faster waits
	// on the node's side.
	sessionPace = 50 * time.Millisecond
	// sweepSessions is how often the sessions are looked at, and the news.
	sweepSessions = 500 * time.Millisecond
)

// errSilent ends the session of a node that does not speak.
var errSilent = errors.New("session: nothing was heard of the node")

type attending = grpc.BidiStreamingServer[anthillv1.AttendRequest, anthillv1.AttendResponse]

// maxProcesses bounds the processes of a user that have a session at a time: each command
// that serves something has one.
const maxProcesses = 16

// sessions are those that nodes have with this coordinator: workers one each, and users
// one for each process, the oldest first.
type sessions struct {
	mu   sync.Mutex
	list map[jobs.NodeID][]*attendee
	news *anthillv1.News // as the nodes were told
}

func newSessions() *sessions { return &sessions{list: map[jobs.NodeID][]*attendee{}} }

// begin ends the session that the node had before, if it is one too many.
func (s *sessions) begin(x *attendee) {
	most := 1
	if x.caller.Role != jobs.Worker {
		most = maxProcesses
	}
	var before *attendee
	s.mu.Lock()
	list := s.list[x.node]
	if len(list) >= most {
		before, list = list[0], list[1:]
	}
	s.list[x.node] = append(slices.Clone(list), x)
	news := s.news
	s.mu.Unlock()
	if before != nil {
		before.end(sessionReplaced(x.node))
	}
	x.tell(news)
}

func (s *sessions) leave(x *attendee) {
	s.mu.Lock()
	defer s.mu.Unlock()
	left := slices.DeleteFunc(slices.Clone(s.list[x.node]), func(other *attendee) bool { return other == x })
	if len(left) == 0 {
		delete(s.list, x.node)
		return
	}
	s.list[x.node] = left
}

// of are a node's sessions, none if it has none here.
func (s *sessions) of(node jobs.NodeID) []*attendee {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.list[node] // which is never changed
}

func (s *sessions) all() []*attendee {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*attendee, 0, len(s.list))
	for _, list := range s.list {
		all = append(all, list...)
	}
	return all
}

// attendee is a node that has a session here. It is heard by one goroutine, and told by
// another while there is something to tell.
type attendee struct {
	node   jobs.NodeID
	caller caller
	stream attending
	ended  chan struct{}
	why    error // set before ended is closed
	once   sync.Once

	mu      sync.Mutex
	heard   time.Time
	blobs   [][]byte // that its last beat named
	known   uint64   // the revision of the revocations that it knows
	out     outgoing
	telling bool
	greeted bool // it has been told something
	signals bucket
}

// end has the handler return, whatever the node does.
func (x *attendee) end(why error) {
	x.once.Do(func() {
		x.why = why
		close(x.ended)
	})
}

// Attend implements SessionService.
func (s *Server) Attend(stream attending) error {
	c := callerFrom(stream.Context())
	x := &attendee{node: c.Node, caller: c, stream: stream, ended: make(chan struct{}), heard: time.Now(), signals: newBucket()}
	s.sessions.begin(x)
	defer s.sessions.leave(x)
	go s.listen(x)
	select {
	case <-x.ended:
		return x.why
	case <-stream.Context().Done():
		x.end(stream.Context().Err())
		return stream.Context().Err()
	}
}

// listen hears a node until its session ends.
func (s *Server) listen(x *attendee) {
	for {
		began := time.Now()
		req, err := x.stream.Recv()
		if err == nil {
			err = s.hear(x, req)
		}
		if err != nil {
			x.end(err)
			return
		}
		time.Sleep(time.Until(began.Add(sessionPace)))
	}
}

func (s *Server) hear(x *attendee, req *anthillv1.AttendRequest) error {
	if err := s.mayStay(x); err != nil {
		return err
	}
	beat := req.GetBeat()
	if x.caller.Role != jobs.Worker {
		beat = nil
	}
	if err := checkBeat(beat); err != nil {
		return err
	}
	x.mu.Lock()
	x.heard = time.Now()
	if hello := req.GetHello(); hello != nil {
		x.known = hello.GetRevision()
	}
	if beat != nil && req.GetSameBlobs() {
		beat.Blobs = x.blobs
	} else if beat != nil {
		x.blobs = beat.GetBlobs()
	}
	x.mu.Unlock()
	if beat == nil {
		x.answer(req.GetNumber(), nil)
		return nil
	}
	beat.Address = s.reach(x.caller, beat.GetAddress())
	if s.cfg.Desk.Leading() {
		if resp, err := s.noteBeat(x.node, beat); err == nil {
			x.answer(req.GetNumber(), resp)
			return nil
		}
	}
	s.beats.take(x, req.GetNumber(), beat)
	return nil
}

// mayStay refuses whom the state has shut out since the session began.
func (s *Server) mayStay(x *attendee) error {
	role, known, err := s.look(identity.Peer{Node: x.node, Role: x.caller.Role})
	switch {
	case err != nil:
		return err
	case !known:
		return nodeUnknown(x.node)
	}
	return mayCall(role, anthillv1.SessionService_Attend_FullMethodName)
}

// keepSessions ends silent sessions and those of nodes that are shut out, and tells the
// others what is new.
func (s *Server) keepSessions(ctx context.Context) {
	ticker := time.NewTicker(sweepSessions)
	defer ticker.Stop()
	gazette := &gazette{server: s}
	for {
		s.lookAtSessions(time.Now(), s.sessions.renew(gazette.news(time.Now())))
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// lookAtSessions is given the news, nil if there are none.
func (s *Server) lookAtSessions(now time.Time, news *anthillv1.News) {
	for _, x := range s.sessions.all() {
		x.mu.Lock()
		silent := now.Sub(x.heard) > sessionSilence
		x.mu.Unlock()
		switch {
		case silent:
			x.end(errSilent)
		case news != nil:
			if err := s.mayStay(x); err != nil {
				x.end(err)
			}
			x.tell(news)
		}
	}
}
