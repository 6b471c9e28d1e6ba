package swarm

import (
	"container/heap"
	"time"
)

// simEvent is something that is to happen.
type simEvent struct {
	at time.Time
	nr int
	do func()
}

// queue has the event that comes first at its top.
type queue []simEvent

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	if !q[i].at.Equal(q[j].at) {
		return q[i].at.Before(q[j].at)
	}
	return q[i].nr < q[j].nr
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(simEvent)) }
func (q *queue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

// after lets something happen after d.
func (s *sim) after(d time.Duration, do func()) {
	s.nr++
	heap.Push(&s.events, simEvent{time.Now().Add(d), s.nr, do})
}

// playFor lets things happen, for up to d.
func (s *sim) playFor(d time.Duration) {
	for began := time.Now(); s.events.Len() > 0 && time.Since(began) < d; {
		ev := heap.Pop(&s.events).(simEvent)
		time.Sleep(time.Until(ev.at))
		ev.do()
	}
}
