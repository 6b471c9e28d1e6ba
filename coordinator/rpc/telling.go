package rpc

import (
	"slices"

	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// maxSignals are kept for a node that does not take them; more are dropped.
const maxSignals = 32

// outgoing is what a node has not been told yet. It is bounded, however slowly the node
// reads: of answers and news the last one counts.
type outgoing struct {
	answer  *anthillv1.Answer
	news    *anthillv1.News
	signals []*anthillv1.IncomingSignal
}

// answer tells a node that it was heard, and what the leader says if that is known.
func (x *attendee) answer(number uint64, heartbeat *anthillv1.HeartbeatResponse) {
	x.put(func(out *outgoing) bool {
		if last := out.answer; last != nil && heartbeat == nil {
			number, heartbeat = max(number, last.GetNumber()), last.GetHeartbeat()
		}
		out.answer = &anthillv1.Answer{Number: number, Heartbeat: heartbeat}
		return true
	})
}

// tell gives a node the news.
func (x *attendee) tell(news *anthillv1.News) {
	if news == nil {
		return
	}
	x.put(func(out *outgoing) bool {
		out.news = news
		return true
	})
}

// signal says whether there was room for it.
func (x *attendee) signal(m *anthillv1.IncomingSignal) bool {
	return x.put(func(out *outgoing) bool {
		if len(out.signals) >= maxSignals {
			return false
		}
		out.signals = append(out.signals, m)
		return true
	})
}

// put adds to what the node is to be told, and has it told.
func (x *attendee) put(add func(*outgoing) bool) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !add(&x.out) {
		return false
	}
	if !x.telling {
		x.telling = true
		go x.speak()
	}
	return true
}

// speak tells the node all that there is.
func (x *attendee) speak() {
	for {
		m := x.next()
		if m == nil {
			return
		}
		if err := x.stream.Send(m); err != nil {
			x.end(err)
			return // and nothing is told any more
		}
	}
}

// next is nil if there is nothing left.
func (x *attendee) next() *anthillv1.AttendResponse {
	x.mu.Lock()
	defer x.mu.Unlock()
	out := &x.out
	if out.answer == nil && out.news == nil && len(out.signals) == 0 {
		x.telling, out.signals = false, nil
		return nil
	}
	m := &anthillv1.AttendResponse{Answer: out.answer, News: x.abridge(out.news)}
	if !x.greeted {
		x.greeted, m.YourHost = true, x.caller.host
	}
	if len(out.signals) > 0 {
		m.Signal, out.signals = out.signals[0], out.signals[1:]
	}
	out.answer, out.news = nil, nil
	return m
}

// abridge leaves out of the news what the node knows, and what is none of its business.
// It is called with mu held.
func (x *attendee) abridge(news *anthillv1.News) *anthillv1.News {
	if news == nil {
		return nil
	}
	m := &anthillv1.News{Coordinators: news.GetCoordinators(), Revision: news.GetRevision()}
	if m.Same = x.known == news.GetRevision(); !m.GetSame() {
		m.RevokedNodes, m.RevokedOwners = news.GetRevokedNodes(), news.GetRevokedOwners()
		x.known = news.GetRevision()
	}
	if _, m.Member = slices.BinarySearch(news.GetMembers(), string(x.node)); m.GetMember() {
		m.Members = news.GetMembers()
	}
	return m
}
